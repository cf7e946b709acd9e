"""The true cells of real movies, without their true links, are linked nearly as they are.

No cell of these movies was ever used to fit a network that is shipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import cytomill
from cytomill.ops.overlap import overlaps
from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.scores.score import compare_tracks, score_tracks


@pytest.mark.parametrize(
    ("name", "beside", "least"),
    [("ctc_Fluo-N2DL-HeLa_seq01", False, 0.985), ("ctc_Fluo-N2DH-SIM+_seq01", True, 0.99)],
)
def test_true_cells_are_linked_as_in_the_truth(
    shared_data: Path, name: str, beside: bool, least: float
) -> None:
    truth = CtcFolder(shared_data / name / "01_GT")
    labels = np.array([truth.labels(t) for t in range(len(truth))])
    files = sorted((shared_data / name / "01").glob("*.tif"))
    raw = np.array([tifffile.imread(path) for path in files]) if beside else None
    made = cytomill.track(labels, raw, measure=False)
    frames = (overlaps(*both) for both in zip(made.labels, labels, strict=True))
    score = score_tracks(compare_tracks(frames, made.lineage.tracks, truth.tracks))
    assert score.aogm.det is not None
    assert score.aogm.det > 0.999
    assert score.aogm.lnk is not None
    assert score.aogm.lnk >= least
    f1 = score.divisions[1].f1
    assert f1 is not None
    assert f1 >= 0.8
