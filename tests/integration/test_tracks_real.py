"""Real movies with their true tracks, written and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.files.ctc_write import write_ctc
from cytomill.tracks.files.lineage_json import read_lineage, write_lineage
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.scores.validity import check


@pytest.mark.parametrize("name", ["ctc_Fluo-N2DH-SIM+_seq01", "ctc_Fluo-N2DL-HeLa_seq01"])
def test_the_truth_is_written_as_it_was_read(tmp_path: Path, shared_data: Path, name: str) -> None:
    truth = CtcFolder(shared_data / name / "01_GT")
    frames = np.array([truth.labels(t) for t in range(len(truth))])
    rows = [
        (t, label, 0, 0, 1, False)
        for t, frame in enumerate(frames)
        for label in np.unique(frame)[1:]
    ]
    lineage = Lineage(truth.tracks, Spots.of(rows), frames.shape)
    write_ctc(tmp_path / "RES", lineage, frames[:, None])
    written = CtcFolder(tmp_path / "RES")
    assert written.tracks == truth.tracks
    assert all(np.array_equal(written.labels(t), frame) for t, frame in enumerate(frames))
    assert check(written.tracks, frames) == []
    write_lineage(tmp_path / "lineage.json", lineage)
    assert read_lineage(tmp_path / "lineage.json", frames[:, None]).tracks == truth.tracks


def test_what_a_peer_wrote_is_read(shared_data: Path) -> None:
    folder = shared_data / "ctc_metric_refs" / "Fluo-N2DL-HeLa_01_RES"
    result, truth = CtcFolder(folder / "01_RES"), CtcFolder(folder / "01_GT")
    assert (len(result), result.shape) == (len(truth), truth.shape) == (92, (700, 1100))
    assert set(np.unique(result.labels(91))[1:]) == {
        track.label for track in result.tracks if track.begin <= 91 <= track.end
    }
