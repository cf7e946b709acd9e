"""Small random movies of labels with their lineages, and the same spoilt as trackers spoil them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytomill.ops.track import Track

#: Cells are 3 x 3 squares in a row of places, of one pixel apart.
PLACES, FRAMES = 8, 8


@dataclass(frozen=True)
class Movie:
    """``cells[t]`` is the label in each place of frame t, 0 where there is none."""

    cells: tuple[tuple[int, ...], ...]
    tracks: tuple[Track, ...]

    def frame(self, t: int) -> NDArray[Any]:
        """The label image of a frame: (5, 4 x places + 1)."""
        row = np.repeat(np.array(self.cells[t], np.uint16), 4).reshape(-1, 4)
        row[:, 3] = 0
        image = np.zeros((5, row.size + 1), np.uint16)
        image[1:4, 1:] = row.reshape(-1)
        return image

    def stack(self) -> list[NDArray[Any]]:
        return [self.frame(t) for t in range(len(self.cells))]


def table(cells: list[list[int]], parents: dict[int, int]) -> Movie:
    """The movie of these cells, where each label is in frames on end."""
    seen: dict[int, list[int]] = {}
    for t, row in enumerate(cells):
        for label in set(row) - {0}:
            seen.setdefault(label, []).append(t)
    for label, frames in seen.items():
        assert frames == list(range(frames[0], frames[-1] + 1)), label
    tracks = []
    for label, frames in sorted(seen.items()):
        parent = parents.get(label, 0)
        if parent not in seen or seen[parent][-1] >= frames[0]:
            parent = 0
        tracks.append(Track(label, frames[0], frames[-1], parent))
    return Movie(tuple(map(tuple, cells)), tuple(tracks))


def mended(cells: list[list[int]], parents: dict[int, int]) -> Movie:
    """The same where labels may be lacking in some frames: what follows a gap is a new track."""
    free = max((label for row in cells for label in row), default=0) + 1
    out = [[0] * len(row) for row in cells]
    found: dict[int, int] = {}
    last: dict[int, int] = {}
    for label in sorted({label for row in cells for label in row} - {0}):
        name, before = label, -1
        for t, row in enumerate(cells):
            if label not in row:
                continue
            if 0 <= before < t - 1:
                found[free] = name
                name, free = free, free + 1
            before = t
            out[t] = [name if one == label else old for one, old in zip(row, out[t], strict=True)]
        last[label] = name
    found |= {label: last.get(parent, 0) for label, parent in parents.items()}
    return table(out, found)


def movie(seed: int) -> Movie:
    """A movie: cells stay in their place, come, go, divide into a free place, and change name."""
    random = np.random.default_rng(seed)
    free = 1
    now: list[int] = [0] * PLACES
    parents: dict[int, int] = {}
    cells: list[list[int]] = []
    for _ in range(FRAMES):
        following = list(now)
        for place, what in enumerate(random.integers(0, 12, PLACES)):
            label = now[place]
            if not label and not following[place] and what < 4:
                following[place], free = free, free + 1
            elif label and what == 0:
                following[place] = 0
            elif label and what == 1:
                parents[free] = label
                following[place], free = free, free + 1
            elif label and what < 4 and 0 in following:
                other = following.index(0)
                parents[free] = parents[free + 1] = label
                following[place], following[other], free = free, free + 1, free + 2
        now = following
        cells.append(list(now))
    return table(cells, parents)


def spoilt(movie: Movie, seed: int) -> Movie:
    """The movie as a poor tracker gives it: cells lost, spurious and merged, links changed."""
    random = np.random.default_rng(seed)
    cells = [list(row) for row in movie.cells]
    parents = {track.label: track.parent for track in movie.tracks}
    free = max(parents, default=0) + 1
    rate = random.choice([10, 30, 100])
    for row in cells:
        for place, what in enumerate(random.integers(0, rate, PLACES)):
            if what == 0:
                row[place] = 0
            elif what == 1 and not row[place]:
                row[place], free = free, free + 1
            elif what == 2 and place and row[place] and row[place - 1]:
                row[place] = row[place - 1]
            elif what == 3 and place:
                row[place - 1], row[place] = row[place], row[place - 1]
    for label in parents:
        if random.integers(0, rate) == 0:
            parents[label] = 0
    return mended(cells, parents)


def renamed(movie: Movie, names: dict[int, int]) -> Movie:
    """The movie with other labels."""
    names = names | {0: 0}
    return Movie(
        tuple(tuple(names[label] for label in row) for row in movie.cells),
        tuple(
            sorted(
                replace(track, label=names[track.label], parent=names[track.parent])
                for track in movie.tracks
            )
        ),
    )
