"""Detections of many cells, drawn by arrays alone: thousands a frame, in milliseconds.

Cells move at random, keep part of their velocity, divide, leave over the borders and enter there,
and are missed now and then. They do not push each other, so that some come closer than cells would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytomill.tracks.linking.detections import Detections

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many there are and what they do.

    ``spacing`` in pixels is the edge of the square that a cell has to itself; ``speed``, in
    spacings a frame, the standard deviation of the change of velocity; ``divide`` and ``miss`` are
    chances of a cell and frame.
    """

    cells: int
    frames: int
    spacing: float = 25.0
    speed: float = 0.04
    divide: float = 0.01
    miss: float = 0.01

    @property
    def side(self) -> int:
        """The edge of the image in pixels."""
        return max(1, round(np.sqrt(self.cells) * self.spacing))


#: Part of the velocity that a cell keeps.
_KEPT = 0.7


@dataclass(slots=True)
class _Cells:
    place: Floats
    velocity: Floats
    area: Floats
    bright: Floats

    def take(self, rows: NDArray[np.generic]) -> _Cells:
        return _Cells(self.place[rows], self.velocity[rows], self.area[rows], self.bright[rows])

    def joined(self, other: _Cells) -> _Cells:
        return _Cells(
            np.concatenate([self.place, other.place]),
            np.concatenate([self.velocity, other.velocity]),
            np.concatenate([self.area, other.area]),
            np.concatenate([self.bright, other.bright]),
        )


def crowd(how: Crowd, seed: int = 0) -> Iterator[Detections]:
    """The detections of each frame. The same seed gives the same."""
    rng = np.random.default_rng(seed)
    edge = int(np.ceil(np.sqrt(how.cells)))
    grid = np.stack(np.divmod(rng.permutation(edge**2)[: how.cells], edge), axis=1)
    shaken = grid + 0.5 + rng.uniform(-0.3, 0.3, grid.shape)
    cells = _cells(shaken * how.side / edge, how, rng)
    for t in range(how.frames):
        yield _seen(t, cells.take(rng.random(len(cells.place)) >= how.miss), how, rng)
        cells = _later(cells, how, rng)


def _cells(place: Floats, how: Crowd, rng: np.random.Generator) -> _Cells:
    velocity = rng.normal(0, how.speed * how.spacing, place.shape)
    room = how.spacing**2
    return _Cells(
        place,
        velocity,
        rng.uniform(0.2, 0.35, len(place)) * room,
        rng.uniform(300, 900, len(place)),
    )


def _later(cells: _Cells, how: Crowd, rng: np.random.Generator) -> _Cells:
    """The cells of the next frame; those that left are made up for at the borders."""
    kick = rng.normal(0, how.speed * how.spacing, cells.place.shape)
    cells.velocity = _KEPT * cells.velocity + kick
    cells.place = cells.place + cells.velocity
    split = rng.random(len(cells.place)) < how.divide
    turn = rng.uniform(0, 2 * np.pi, int(split.sum()))
    apart = 0.25 * how.spacing * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    near, far = cells.take(split), cells.take(split)
    for daughters, side in ((near, apart), (far, -apart)):
        daughters.place = daughters.place + side
        daughters.area = daughters.area / 2
    cells = cells.take(~split).joined(near).joined(far)
    last = how.side - 1
    cells = cells.take(((cells.place >= 0) & (cells.place <= last)).all(axis=1))
    missing = max(0, how.cells - len(cells.place))
    place = rng.uniform(0, last, (missing, 2))
    place[np.arange(missing), rng.integers(0, 2, missing)] = rng.integers(0, 2, missing) * last
    return cells.joined(_cells(place, how, rng))


def _seen(t: int, cells: _Cells, how: Crowd, rng: np.random.Generator) -> Detections:
    count = len(cells.place)
    long = np.sqrt(rng.uniform(1, 1.5, count))
    diameter = 2 * np.sqrt(cells.area / np.pi)
    near = np.minimum(cells.place, how.side - 1 - cells.place).min(axis=1, initial=np.inf)
    return Detections(
        t,
        np.arange(1, count + 1, dtype=np.int32),
        *(np.ascontiguousarray(axis) for axis in cells.place.T),
        cells.area,
        diameter * long,
        diameter / long,
        rng.uniform(-np.pi / 2, np.pi / 2, count),
        cells.bright * rng.normal(1, 0.03, count),
        near < diameter / 2,
        (how.side, how.side),
    )
