"""Tables of tracks."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from cytomill.image.core import PixelSize
from cytomill.ops.measure import measure
from cytomill.ops.table import to_table
from cytomill.ops.track import Track
from cytomill.tracks.files.table import added, schema, track_table, with_tracks
from cytomill.tracks.lineage import Lineage, Spots
from tests.lineages import lineage_of, lineages, pixels


def moving(
    places: dict[int, list[tuple[int, float, float]]],
    parents: dict[int, int] | None = None,
    size: PixelSize | None = None,
    interval: float | None = None,
) -> Lineage:
    """Tracks that are at (t, y, x), each of 4 pixels."""
    rows = [(t, one, y, x, 4, False) for one, path in places.items() for t, y, x in path]
    tracks = tuple(
        Track(one, path[0][0], path[-1][0], (parents or {}).get(one, 0))
        for one, path in sorted(places.items())
    )
    return Lineage(tracks, Spots.of(rows), (20, 50, 50), size, interval)


def measured(lineage: Lineage) -> pa.Table:
    tables = []
    for t, frame in enumerate(pixels(lineage)[:, 0].astype(np.int32)):
        columns = measure(frame, [], int(frame.max(initial=0)))
        tables.append(to_table(columns, image="a", t=t, z=0))
    return pa.concat_tables(tables)


def test_distances_and_speeds_are_those_of_the_path() -> None:
    # 3-4-5 triangles: there in one frame, on over a gap of one frame, and back in one.
    path = [(2, 0.0, 0.0), (3, 3.0, 4.0), (5, 9.0, 12.0), (6, 3.0, 4.0)]
    (row,) = track_table(moving({7: path}), image="a").to_pylist()
    assert (row["first_frame"], row["last_frame"], row["frames"], row["missing"]) == (2, 6, 4, 1)
    assert (row["displacement"], row["path_length"]) == (5, 25)
    assert (row["speed_mean"], row["speed_max"], row["straightness"]) == (25 / 4, 10, 5 / 25)
    assert row["area_mean"] == 4


def test_physical_columns_use_the_pixel_size_of_each_axis_and_hours() -> None:
    path = [(0, 0.0, 0.0), (1, 3.0, 8.0)]
    lineage = moving({1: path}, size=PixelSize(1, 0.5), interval=1800)
    (row,) = track_table(lineage, image="a").to_pylist()
    assert (row["displacement_um"], row["path_length_um"]) == (5, 5)
    assert (row["speed_mean_um_per_h"], row["speed_max_um_per_h"]) == (10, 10)
    assert row["path_length"] == math.hypot(3, 8)
    assert (row["begin_h"], row["end_h"], row["area_mean_um2"]) == (0, 0.5, 2)


@pytest.mark.parametrize(
    ("size", "straightness"), [(PixelSize(1, 0.5), 5 / 7), (None, math.hypot(3, 8) / 11)]
)
def test_straightness_is_of_lengths_in_micrometres_where_they_are_known(
    size: PixelSize | None, straightness: float
) -> None:
    corner = [(0, 0.0, 0.0), (1, 3.0, 0.0), (2, 3.0, 8.0)]
    (row,) = track_table(moving({1: corner}, size=size), image="a").to_pylist()
    assert row["straightness"] == straightness


def test_a_track_of_one_frame_has_no_speed() -> None:
    (row,) = track_table(moving({1: [(3, 1.0, 1.0)]}), image="a").to_pylist()
    assert (row["displacement"], row["path_length"]) == (0, 0)
    assert [row[name] for name in ("speed_mean", "speed_max", "straightness")] == [None] * 3


def test_divisions_and_cycles() -> None:
    path = {
        1: range(3),
        2: range(3, 7),
        3: range(3, 5),
        4: range(7, 9),  # goes on from 2
        5: range(9, 10),
        6: range(9, 11),
    }
    parents = {2: 1, 3: 1, 4: 2, 5: 4, 6: 4}
    lineage = moving(
        {one: [(t, 0.0, 0.0) for t in frames] for one, frames in path.items()}, parents, None, 7200
    )
    rows = {row["track"]: row for row in track_table(lineage, image="a").to_pylist()}
    assert [rows[one]["parent"] for one in path] == [None, 1, 1, 2, 4, 4]
    assert [rows[one]["generation"] for one in path] == [0, 1, 1, 1, 2, 2]
    assert {rows[one]["founder"] for one in path} == {1}
    assert [rows[one]["daughters"] for one in path] == [2, 1, 0, 2, 0, 0]
    assert [rows[one]["divides"] for one in path] == [True, False, False, True, False, False]
    assert [rows[one]["cycle"] for one in path] == [None, None, None, 6, None, None]
    assert rows[4]["cycle_h"] == 12


def test_says_which_tracks_begin_and_end_at_the_border() -> None:
    lineage = moving({1: [(0, 0.0, 5.0), (1, 3.0, 5.0)], 2: [(1, 9.0, 9.0)]})
    rim = lineage.spots.y == 0
    rows = track_table(lineage, image="a", rim=rim).to_pylist()
    assert [row["begins_at_border"] for row in rows] == [True, False]
    assert [row["ends_at_border"] for row in rows] == [False, False]
    assert track_table(lineage, image="a")["ends_at_border"].null_count == 2


@settings(deadline=None, max_examples=60)
@given(lineages())
def test_schema_and_counts_hold_for_any_lineage(lineage: Lineage) -> None:
    table = track_table(lineage, image="movie")
    assert table.schema == schema()
    rows = table.to_pylist()
    assert [
        Track(r["track"], r["first_frame"], r["last_frame"], r["parent"] or 0) for r in rows
    ] == (list(lineage.tracks))
    for row in rows:
        own = lineage.spots.label == row["track"]
        assert row["frames"] == own.sum()
        assert row["filled"] == (own & lineage.spots.filled).sum()
        assert row["image"] == "movie"
        known = row["speed_mean"] is not None
        assert known == (row["last_frame"] > row["first_frame"])
        hours, um = lineage.interval is not None, lineage.pixel_size is not None
        assert (row["begin_h"] is not None) == hours
        assert (row["cycle_h"] is not None) == (hours and row["cycle"] is not None)
        assert (row["path_length_um"] is not None) == um
        assert (row["speed_max_um_per_h"] is not None) == (known and hours and um)


@settings(deadline=None, max_examples=25)
@given(lineages(most_label=300))
def test_measurements_get_the_columns_of_their_spot(lineage: Lineage) -> None:
    measurements = measured(lineage)
    table = with_tracks(measurements, lineage)
    assert table.schema == pa.schema([*measurements.schema, *added()])
    assert table.select(measurements.schema.names).equals(measurements)
    assert table.num_rows == len(lineage.spots)
    paths: dict[int, list[dict[str, float]]] = {}
    for row in table.to_pylist():
        track = lineage.by_label[row["label"]]
        assert (row["track"], row["parent"] or 0) == (track.label, track.parent)
        assert row["generation"] == lineage.generations[track.label]
        paths.setdefault(track.label, []).append(row)
    for label, path in paths.items():
        assert path[0]["speed"] is None
        for before, row in pairwise(path):
            moved = abs(row["centroid-1"] - before["centroid-1"])
            assert row["speed"] == pytest.approx(moved / (row["t"] - before["t"]))
            if lineage.pixel_size is not None and lineage.interval is not None:
                hourly = row["speed"] * lineage.pixel_size.x * 3600 / lineage.interval
                assert row["speed_um_per_h"] == pytest.approx(hourly)
        siblings = lineage.daughters.get(lineage.by_label[label].parent, ())
        if len(siblings) > 1:
            assert [row["age"] for row in path] == [row["t"] - path[0]["t"] for row in path]
        if lineage.generations[label] == 0:
            assert {row["age"] for row in path} == {None}


def test_rows_of_no_spot_have_nulls() -> None:
    lineage = lineage_of({Track(1, 0, 1): set()}, 2)
    measurements = measured(lineage)
    for t, tracks in ((0, [1, None]), (1, [None, 1])):
        table = with_tracks(measurements, moving({1: [(t, 0.0, 0.0)]}))
        assert table["track"].to_pylist() == tracks
    assert with_tracks(measurements, moving({}))["track"].to_pylist() == [None, None]
