"""Filling gaps: a cell is put where its track must have been though nothing was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A cell is put into a gap where at least this share of it lies on background.
_ROOM = 0.3


@dataclass(frozen=True, slots=True)
class Sight:
    """A cell as it was seen in frame ``t``: its ``label`` there, its centre and its box.

    ``box`` is y0, x0 and the first y1, x1 outside.
    """

    t: int
    label: int
    centre: tuple[float, float]
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames between two sights of a ``track``, in which it was not seen."""

    track: int
    before: Sight
    after: Sight

    def frames(self) -> Iterator[tuple[int, Sight, float]]:
        """Each frame, the sight that is nearer in time, and how far along it is, 0 to 1."""
        length = self.after.t - self.before.t
        for t in range(self.before.t + 1, self.after.t):
            along = (t - self.before.t) / length
            yield t, self.before if along <= 0.5 else self.after, along


@dataclass(frozen=True, slots=True)
class Filling:
    """What was put into a gap: where its pixels are on average, and how many there are."""

    track: int
    t: int
    y: float
    x: float
    area: int
    box: tuple[int, int, int, int]


def fill(labels: Any, gap: Gap, taken: dict[int, int]) -> Iterator[Filling]:
    """Put the cell into each frame of its gap, where there is room.

    ``labels`` (t, 1, y, x) are those of each frame by itself, read and written by slices. The cell
    keeps the outline that it has at the nearer end of the gap, and goes straight from one end to
    the other; other cells stay as they are. ``taken`` are the largest labels of frames, and grow.
    """
    height, width = labels.shape[2:]
    for t, sight, along in gap.frames():
        ends = gap.before.centre, gap.after.centre
        y, x = (a + along * (b - a) for a, b in zip(*ends, strict=True))
        dy, dx = round(y - sight.centre[0]), round(x - sight.centre[1])
        y0, x0, y1, x1 = sight.box
        top, left = max(y0 + dy, 0), max(x0 + dx, 0)
        bottom, right = min(y1 + dy, height), min(x1 + dx, width)
        if top >= bottom or left >= right:
            continue
        source = slice(top - dy, bottom - dy), slice(left - dx, right - dx)
        outline = np.asarray(labels[sight.t, 0, *source]) == sight.label
        place = t, 0, slice(top, bottom), slice(left, right)
        there = np.array(labels[place])
        free = outline & (there == 0)
        area = int(free.sum())
        if not area or area < _ROOM * int(outline.sum()):
            continue
        taken[t] = taken.get(t, 0) + 1
        there[free] = taken[t]
        labels[place] = there
        yield _filling(gap.track, t, free, (top, left), area)


def _filling(
    track: int, t: int, mask: NDArray[np.bool_], corner: tuple[int, int], area: int
) -> Filling:
    rows, columns = np.nonzero(mask)
    top, left = corner
    box = (
        top + int(rows.min()),
        left + int(columns.min()),
        top + int(rows.max()) + 1,
        left + int(columns.max()) + 1,
    )
    return Filling(track, t, top + float(rows.mean()), left + float(columns.mean()), area, box)
