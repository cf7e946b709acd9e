"""All files that tracks can be written to."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cytomill.image.core import Image
from cytomill.ops.track import Track
from cytomill.tracks.files.ctc_write import write_ctc
from cytomill.tracks.files.formats import FORMATS
from cytomill.tracks.files.geff import write_geff
from cytomill.tracks.files.lineage_json import write_lineage
from cytomill.tracks.files.napari import write_napari
from cytomill.tracks.files.trackmate import write_trackmate
from cytomill.tracks.files.trk import write_trk
from cytomill.tracks.lineage import Lineage, Spots
from tests.lineages import lineage_of, movie, pixels

#: Writers of files for other programs, from a path, a lineage, labels and the raw movie.
WRITERS: dict[str, Callable[[Path, Lineage, Any, Image], None]] = {
    "ctc": lambda path, lineage, labels, image: write_ctc(path, lineage, labels),
    "lineage": lambda path, lineage, labels, image: write_lineage(path, lineage),
    "trk": write_trk,
    "trackmate": lambda path, lineage, labels, image: write_trackmate(path, lineage, image),
    "geff": lambda path, lineage, labels, image: write_geff(path, lineage),
    "napari": lambda path, lineage, labels, image: write_napari(path, lineage),
}


def tree(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of all files of a folder."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def small() -> Lineage:
    tracks: dict[Track, set[int]] = {Track(1, 0, 2): {1}, Track(2, 3, 3, 1): set()}
    tracks[Track(9, 3, 4, 1)] = set()
    return lineage_of(tracks, 6, filled=frozenset({(9, 4)}), lost=(5,))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "lineage",
    [small(), lineage_of({}, 4), lineage_of({Track(1, 0, 0): set()}, 1)],
    ids=["small", "no cells", "one frame"],
)
def test_is_written_to_the_same_bytes_under_any_name(
    tmp_path: Path, name: str, lineage: Lineage
) -> None:
    trees = []
    for at in ("a", ".a.123.0badcafe.part"):
        WRITERS[name](tmp_path / at, lineage, pixels(lineage), movie(lineage))
        trees.append(tree(tmp_path / at))
    assert trees[0] == trees[1]
    assert trees[0]


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"ctc"}))
def test_a_hundred_thousand_tracks_are_written(tmp_path: Path, name: str) -> None:
    count = 100_000
    label = np.arange(1, count + 1, dtype=np.int32)
    place = np.zeros(count)
    spots = Spots(label * 0, label, place, place, place + 1, place.astype(bool))
    tracks = tuple(Track(one, 0, 0) for one in label.tolist())
    side = 320
    labels = np.zeros((1, 1, side, side), np.uint32)
    labels.flat[:count] = label
    lineage = Lineage(tracks, spots, (1, side, side))
    WRITERS[name](tmp_path / "a", lineage, labels, movie(lineage))
    assert tree(tmp_path / "a")


class Counted:
    """A long movie that exists only where it is read: one cell that stays where it is."""

    frames, side = 60, 512

    def __init__(self) -> None:
        self.shape = (self.frames, 1, self.side, self.side)
        self.dtype = np.dtype(np.uint16)

    def __getitem__(self, index: Any) -> np.ndarray[Any, Any]:
        frame = np.zeros((self.side, self.side), np.uint16)
        frame[5:9, 5:9] = 1
        return frame

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> np.ndarray[Any, Any]:
        return self[t, z]

    def close(self) -> None: ...


@pytest.mark.parametrize("name", ["ctc", "trk"])
def test_a_long_movie_is_written_from_the_memory_of_few_frames(tmp_path: Path, name: str) -> None:
    source = Counted()
    frames, side = source.frames, source.side
    t = np.arange(frames, dtype=np.int32)
    at = np.full(frames, 6.5)
    spots = Spots(t, np.ones(frames, np.int32), at, at, at * 0 + 16, at < 0)
    lineage = Lineage((Track(1, 0, frames - 1),), spots, (frames, side, side))
    image = Image("a", "TYX", (frames, 1, 1, side, side), source.dtype, source)
    WRITERS[name](tmp_path / "warm", lineage, source, image)
    tracemalloc.start()
    try:
        WRITERS[name](tmp_path / "a", lineage, source, image)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * side * side * 4  # of 60 frames


def test_names_and_ends_are_distinct_and_each_says_what_it_is() -> None:
    assert list(FORMATS)[: len(WRITERS)] == list(WRITERS)
    assert all(name == one.name for name, one in FORMATS.items())
    assert len({one.end for one in FORMATS.values()}) == len(FORMATS)
    assert all(one.about.endswith(".") for one in FORMATS.values())
