"""Closing gaps: tracks that ended without a reason, and cells that began without one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .candidates import NEAREST, Floats, Indices, Scale
from .step import Frame

#: An end and a beginning further apart than so many spacings are not considered.
_SPACINGS = 2.5

#: The names of the features of an end and a beginning, in order.
FEATURES = (
    "frames between",
    "distance per step",
    "log distance per spacing",
    "log step per spacing",
    "distance per diameter",
    "forward rank",
    "backward rank",
    "distance to the nearest other beginning",
    "distance to the nearest other end",
    "distance to the nearest other cell",
    "change of area",
    "change of brightness",
    "change of elongation",
    "whether there is brightness",
    "border before",
    "border after",
    "border before per spacing",
    "border after per spacing",
    "age",
)


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Where tracks ended, a value for each: the ``track``, and what `Frame` knew of the cell then.

    ``t`` are the frames they were last seen in, ``ids`` their labels there. ``seen`` (n, 2) are
    their places there and ``places`` where these are by now, drift added.
    """

    track: Indices
    t: Indices
    ids: NDArray[np.int32]
    seen: Floats
    places: Floats
    velocity: Floats
    area: Floats
    brightness: Floats
    long: Floats
    border: Floats
    diameter: Floats
    age: Floats
    lit: bool

    @classmethod
    def of(cls, frame: Frame, rows: Indices, track: Indices) -> Ends:
        """The cells of ``rows`` of a frame, in ``track``."""
        found, looks, past = frame.found, frame.looks, frame.past
        places = found.places[rows]
        return cls(
            track,
            np.full(len(rows), frame.t),
            found.ids[rows],
            places,
            places,
            past.velocity[rows],
            looks.area[rows],
            looks.brightness[rows],
            looks.long[rows],
            looks.border[rows],
            looks.diameter[rows],
            past.age[rows],
            looks.lit,
        )

    def __len__(self) -> int:
        return len(self.track)

    def take(self, keep: NDArray[np.generic]) -> Ends:
        """Those of the rows ``keep``."""
        names = [name for name in self.__slots__ if name != "lit"]
        return replace(self, **{name: getattr(self, name)[keep] for name in names})

    def moved(self, shift: Floats) -> Ends:
        """The same after all moved by ``shift``."""
        return replace(self, places=self.places + shift)

    def joined(self, other: Ends) -> Ends:
        """These and others."""
        names = [name for name in self.__slots__ if name != "lit"]
        both = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return replace(self, **both, lit=self.lit and other.lit)


@dataclass(frozen=True, slots=True, eq=False)
class Leftovers:
    """Candidates: rows of ends and of detections that began, and their features."""

    end: Indices
    start: Indices
    features: NDArray[np.float32]


def leftovers(
    ends: Ends, frame: Frame, starts: Indices, scale: Scale, reach: float | None = None
) -> Leftovers:
    """What may go on in ``frame`` of tracks that ended; ``starts`` are its rows without a past.

    ``reach`` is the greatest distance in pixels that is allowed in one frame.
    """
    found, looks = frame.found, frame.looks
    targets = found.places[starts]
    limit = _SPACINGS * scale.spacing
    tree, sources = cKDTree(targets), cKDTree(ends.places)
    ahead, to = tree.query(ends.places, k=min(NEAREST, tree.n), distance_upper_bound=limit)
    behind, _ = sources.query(targets, k=min(NEAREST, sources.n), distance_upper_bound=limit)
    ahead, behind = ahead.reshape(len(ends), -1), behind.reshape(len(starts), -1)
    to = to.reshape(len(ends), -1)
    i, column = np.nonzero(np.isfinite(ahead))
    j, distance = to[i, column], ahead[i, column]
    gap = frame.t - ends.t[i] - 1
    if reach is not None:
        near = distance <= reach * (gap + 1)
        i, j, distance, gap = i[near], j[near], distance[near], gap[near]
    row = starts[j]
    everyone = cKDTree(found.places).query(targets, k=min(2, len(found)))[0]
    other = (
        everyone.reshape(len(starts), -1)[:, -1] if len(found) > 1 else np.full(len(starts), np.inf)
    )
    step = scale.step * np.sqrt(gap + 1.0)
    lit = ends.lit and looks.lit
    far = 10 * scale.spacing
    features = np.stack(
        [
            gap,
            np.minimum(distance / step, 30.0) / 5,
            np.log(distance / scale.spacing + 0.02),
            np.full(len(i), np.log(scale.step / scale.spacing)),
            np.minimum(distance / (0.5 * (ends.diameter[i] + looks.diameter[row])), 6.0),
            (ahead[i] < distance[:, None] - 1e-9).sum(axis=1),
            (behind[j] < distance[:, None] - 1e-9).sum(axis=1),
            np.log(np.minimum(_other(ahead[i], distance), far) / scale.spacing + 0.02),
            np.log(np.minimum(_other(behind[j], distance), far) / scale.spacing + 0.02),
            np.log(np.minimum(other[j], far) / scale.spacing + 0.02),
            looks.area[row] - ends.area[i],
            looks.brightness[row] - ends.brightness[i] if lit else np.zeros(len(i)),
            looks.long[row] - ends.long[i],
            np.full(len(i), lit),
            np.exp(-ends.border[i] / (2 * scale.step)),
            np.exp(-looks.border[row] / (2 * scale.step)),
            np.minimum(ends.border[i] / scale.spacing, 3.0),
            np.minimum(looks.border[row] / scale.spacing, 3.0),
            np.minimum(ends.age[i], 10.0) / 5,
        ],
        axis=1,
    ).astype(np.float32)
    return Leftovers(i, row, features)


def _other(nearest: Floats, distance: Floats) -> Floats:
    """The distance to the nearest but the one at ``distance``."""
    second = nearest[:, 1] if nearest.shape[1] > 1 else np.full(len(nearest), np.inf)
    return np.where(nearest[:, 0] < distance - 1e-9, nearest[:, 0], second)
