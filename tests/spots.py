"""Movies for tests of linking: detections without pixels, and what was made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cytomill.ops.measure import measure
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.ops.track import Track
from cytomill.tracks.linking.detections import Detections, detections
from cytomill.tracks.linking.link import Linked, Linker, Linking

#: A cell in a frame: the frame's number and the cell's label there.
Cell = tuple[int, int]


def seen(
    t: int,
    places: Any,
    *,
    ids: Sequence[int] | None = None,
    diameter: float = 12.0,
    mean: Any = None,
    shape: tuple[int, int] = (1000, 1000),
) -> Detections:
    """Round cells of one size at ``places``, (n, 2)."""
    places = np.asarray(places, float).reshape(-1, 2)
    count = len(places)
    return Detections(
        t,
        np.arange(1, count + 1, dtype=np.int32) if ids is None else np.array(ids, np.int32),
        places[:, 0].copy(),
        places[:, 1].copy(),
        np.full(count, np.pi * diameter**2 / 4),
        np.full(count, diameter),
        np.full(count, diameter),
        np.zeros(count),
        np.full(count, np.nan) if mean is None else np.asarray(mean, float),
        (places - diameter / 2 < 0).any(1) | (places + diameter / 2 > shape).any(1),
        shape,
    )


def scattered(
    count: int, shape: tuple[int, int], rng: np.random.Generator, *, apart: float
) -> NDArray[np.float64]:
    """Places that are no nearer to each other than ``apart``."""
    found = np.empty((0, 2))
    for _ in range(100):
        tried = np.concatenate([found, rng.uniform(0, 1, (count, 2)) * shape])
        near = cKDTree(tried).query_pairs(apart, output_type="ndarray")
        # Of two that are too near to each other the later one goes.
        found = np.delete(tried, near.max(1), axis=0)
        if len(found) >= count:
            return found[:count]
    raise AssertionError("there is no room for so many")


def take(found: Detections, rows: Any) -> Detections:
    """Some detections of a frame, or all in another order."""
    names = ("ids", "y", "x", "area", "major", "minor", "turn", "mean", "rim")
    return Detections(found.t, *(getattr(found, name)[rows] for name in names), found.shape)


def drawn(
    seed: int = 1,
    *,
    frames: int = 14,
    side: int = 260,
    coverage: float = 0.16,
    speed: float = 0.03,
    cycle: float = 30,
    lit: bool = True,
) -> tuple[list[Detections], list[Track]]:
    """A synthetic movie as a segmenter without faults has it: ids are the labels of tracks."""
    scene = Scene((side, side), diameter=18, coverage=coverage, clustering=0, noise=0.01)
    movie = Movie(Film(scene, frames=frames, speed=speed, cycle=cycle), seed)
    found = []
    for t, (image, labels) in enumerate(movie):
        columns = measure(labels, [image], int(labels.max()))
        light = columns["intensity_mean-0"] - np.percentile(image, 30) if lit else None
        found.append(detections(t, labels.shape, columns, brightness=light))
    return found, movie.tracks


def linked(frames: Iterable[Detections], **options: Any) -> Linked:
    """What the linker makes of ``frames``; checks that it is a lineage."""
    frames = list(frames)
    linker = Linker(Linking(**options))
    for found in frames:
        linker.add(found)
    made = linker.finish()
    check(made, frames)
    return made


def check(made: Linked, frames: Sequence[Detections]) -> None:
    """Every cell has one track, and tracks are where their cells are, mothers before daughters."""
    by_label = {track.label: track for track in made.tracks}
    assert list(by_label) == list(range(1, len(made.tracks) + 1))
    assert sorted(made.labels) == [found.t for found in frames]
    seen_in: dict[int, list[int]] = {}
    for found in frames:
        ids, tracks = made.labels[found.t]
        assert ids.tolist() == found.ids.tolist()
        assert len(set(tracks.tolist())) == len(tracks)
        for track in tracks.tolist():
            seen_in.setdefault(track, []).append(found.t)
    numbers = [found.t for found in frames]
    for label, track in by_label.items():
        assert (track.begin, track.end) == (seen_in[label][0], seen_in[label][-1])
        if track.parent:
            assert track.parent < label
            # The daughter begins in the first frame there is after the mother's last.
            assert numbers.index(by_label[track.parent].end) + 1 == numbers.index(track.begin)
    for parent in {track.parent for track in made.tracks} - {0}:
        assert sum(track.parent == parent for track in made.tracks) == 2


def links(made: Linked) -> set[tuple[Cell, Cell]]:
    """From each cell to the next of its track."""
    last: dict[int, Cell] = {}
    found = set()
    for t, (ids, tracks) in made.labels.items():
        for label, track in zip(ids.tolist(), tracks.tolist(), strict=True):
            if track in last:
                found.add((last[track], (t, label)))
            last[track] = t, label
    return found


def births(made: Linked) -> set[tuple[Cell, Cell]]:
    """From each mother's last cell to the first of each of her daughters."""
    cells: dict[int, list[Cell]] = {}
    for t, (ids, tracks) in made.labels.items():
        for label, track in zip(ids.tolist(), tracks.tolist(), strict=True):
            cells.setdefault(track, []).append((t, label))
    return {
        (cells[track.parent][-1], cells[track.label][0]) for track in made.tracks if track.parent
    }


def true_links(frames: Sequence[Detections]) -> set[tuple[Cell, Cell]]:
    """The links of detections whose ids are the labels of tracks."""
    last: dict[int, int] = {}
    found = set()
    for frame in frames:
        for label in frame.ids.tolist():
            if label in last:
                found.add(((last[label], label), (frame.t, label)))
            last[label] = frame.t
    return found


def true_births(tracks: Iterable[Track]) -> set[tuple[Cell, Cell]]:
    """The births of pairs of daughters."""
    tracks = list(tracks)
    by_label = {track.label: track for track in tracks}
    mothers = [track.parent for track in tracks if track.parent]
    return {
        ((by_label[one.parent].end, one.parent), (one.begin, one.label))
        for one in tracks
        if one.parent and mothers.count(one.parent) == 2
    }
