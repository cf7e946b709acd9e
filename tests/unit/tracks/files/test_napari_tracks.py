"""Tracks as CSV, for the Tracks layer of napari."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow.csv
from hypothesis import given, settings

from cytomill.ops.track import Track
from cytomill.tracks.files.napari import COLUMNS, write_napari
from cytomill.tracks.lineage import Lineage
from tests.lineages import lineage_of, lineages


@settings(deadline=None, max_examples=40)
@given(lineages())
def test_rows_are_the_spots_in_order_of_track_then_frame(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        write_napari(path, lineage)
        table = pyarrow.csv.read_csv(path)
    assert tuple(table.column_names) == COLUMNS
    spots = lineage.spots
    order = np.lexsort((spots.t, spots.label))
    for name, wanted in (
        ("track_id", spots.label),
        ("t", spots.t),
        ("y", spots.y),
        ("x", spots.x),
        ("filled", spots.filled),
        ("area", spots.area),
    ):
        assert table[name].to_pylist() == wanted[order].tolist()
    graph = dict(zip(table["track_id"].to_pylist(), table["parent"].to_pylist(), strict=True))
    assert graph == {track.label: track.parent for track in lineage.tracks}


def test_is_plain_text(tmp_path: Path) -> None:
    write_napari(tmp_path / "a.csv", lineage_of({Track(3, 1, 1): set()}, 2))
    assert (tmp_path / "a.csv").read_bytes() == (
        b"track_id,t,y,x,parent,founder,generation,filled,area\n3,1,0.0,1.5,0,3,0,0,2.0\n"
    )
