"""Which detections of one frame may be which of the next, and what speaks for and against it.

All lengths are told in units of the movie itself: ``step``, how far cells usually move between two
frames, and ``spacing``, how far apart they are. So movies of any magnification, density and
interval look alike to the model that weighs the features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .detections import Detections

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Neighbours of a detection that are considered, in either direction.
NEAREST = 5

#: Pairs further apart than so many steps, and so many spacings, are not considered.
_STEPS, _SPACINGS = 10.0, 2.5

#: Log odds are told to a model within these bounds.
_CLAIM = 10.0

#: The names of the features of a pair, in order.
FEATURES = (
    "distance per step",
    "log distance per spacing",
    "log step per spacing",
    "distance per diameter",
    "forward rank",
    "backward rank",
    "forward margin",
    "backward margin",
    "distance from the predicted place per step",
    "whether a place was predicted",
    "change of area",
    "change of brightness",
    "change of elongation",
    "area before",
    "area after",
    "brightness before",
    "brightness after",
    "whether there is brightness",
    "border before",
    "border after",
    "overlap",
)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """The units of a movie around a frame, in pixels: see the module."""

    step: float
    spacing: float


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """How the objects of a frame look among all of it, a value for each.

    ``area`` and ``brightness`` are logarithms less the frame's median, ``long`` the logarithm of
    the ratio of axes; ``lit`` says whether there is brightness, which else is 0. ``border`` is the
    distance to the image's border in pixels, 0 for those that touch it.
    """

    area: Floats
    brightness: Floats
    long: Floats
    lit: bool
    border: Floats
    diameter: Floats

    @classmethod
    def of(cls, found: Detections) -> Looks:
        """Of a frame's detections."""
        area = np.log(np.maximum(found.area, 1.0))
        lit = len(found) > 0 and bool(np.isfinite(found.mean).all())
        mean = np.zeros(len(found))
        if lit:
            floor = max(1e-6, 0.05 * float(np.median(found.mean)))
            mean = np.log(np.maximum(found.mean, floor))
        height, width = found.shape
        edges = [found.y, found.x, height - 1 - found.y, width - 1 - found.x]
        border = np.where(found.rim, 0.0, np.maximum(np.minimum.reduce(edges), 0.0))
        return cls(
            area - (np.median(area) if len(area) else 0.0),
            mean - (np.median(mean) if len(mean) else 0.0),
            np.log(np.maximum(found.major, 1.0) / np.maximum(found.minor, 1.0)),
            lit,
            border,
            2 * np.sqrt(found.area / np.pi),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Candidate links of one frame to the next: rows ``before`` and ``after``, and features.

    They are in order of ``before``, then ``after``; ``features`` is float32 (pairs, features);
    ``distance`` is in pixels, after drift.
    """

    before: Indices
    after: Indices
    distance: Floats
    features: NDArray[np.float32]


def scale_of(before: Floats, after: Floats) -> Scale | None:
    """The units that two frames' places, (n, 2), tell of; None where there are too few."""
    if len(before) < 3 or len(after) < 3:
        return None
    later, earlier = cKDTree(after), cKDTree(before)
    distance, there = later.query(before)
    _, back = earlier.query(after)
    mutual = back[there] == np.arange(len(before))
    moved = distance[mutual]
    spacing = float(np.median(earlier.query(before, k=2)[0][:, 1]))
    if not len(moved) or spacing <= 0:
        return None
    return Scale(max(float(np.median(moved)), 0.02 * spacing), spacing)


def pairs(
    before: Detections,
    after: Detections,
    looks: tuple[Looks, Looks],
    places: Floats,
    predicted: Floats,
    scale: Scale,
    reach: float | None = None,
) -> Pairs:
    """The candidates between two frames.

    ``places`` (n, 2) are where the detections of ``before`` are once drift is taken out, and
    ``predicted`` where they would be if they went on as they came, NaN where not known. ``reach``
    is the greatest distance in pixels.
    """
    limit = max(_STEPS * scale.step, _SPACINGS * scale.spacing) if reach is None else reach
    targets = after.places
    if not len(before) or not len(after):
        none = np.empty(0, np.intp)
        return Pairs(none, none, np.empty(0), np.empty((0, len(FEATURES)), np.float32))
    ahead, to = _nearest(cKDTree(targets), places, limit)
    behind, of = _nearest(cKDTree(places), targets, limit)
    n, m = len(before), len(after)
    forward = np.repeat(np.arange(n), to.shape[1]) * m + to.ravel()
    backward = of.ravel() * m + np.repeat(np.arange(m), of.shape[1])
    valid = np.concatenate(
        [forward[np.isfinite(ahead.ravel())], backward[np.isfinite(behind.ravel())]]
    )
    valid.sort()  # numpy's `unique` hashes, which takes three times as long
    i, j = np.divmod(valid[np.diff(valid, prepend=-1) > 0], m)
    distance = np.hypot(*(targets[j] - places[i]).T)
    first, second = looks
    guessed = np.isfinite(predicted[i, 0])
    off = np.hypot(*(targets[j] - predicted[i]).T)
    size = 0.5 * (first.diameter[i] + second.diameter[j])
    lit = first.lit and second.lit
    features = np.stack(
        [
            np.minimum(distance / scale.step, 20.0) / 4,
            np.log(distance / scale.spacing + 0.02),
            np.full(len(i), np.log(scale.step / scale.spacing)),
            np.minimum(distance / size, 6.0),
            (ahead[i] < distance[:, None] - 1e-9).sum(axis=1),
            (behind[j] < distance[:, None] - 1e-9).sum(axis=1),
            _margin(ahead[i], distance, scale),
            _margin(behind[j], distance, scale),
            np.where(guessed, np.minimum(off / scale.step, 20.0) / 4, 0.0),
            guessed,
            second.area[j] - first.area[i],
            second.brightness[j] - first.brightness[i] if lit else np.zeros(len(i)),
            second.long[j] - first.long[i],
            first.area[i],
            second.area[j],
            first.brightness[i],
            second.brightness[j],
            np.full(len(i), lit),
            np.exp(-first.border[i] / (2 * scale.step + 1e-9)),
            np.exp(-second.border[j] / (2 * scale.step + 1e-9)),
            overlap(before, after, i, j, targets[j] - places[i]),
        ],
        axis=1,
    ).astype(np.float32)
    return Pairs(i, j, distance, features)


def overlap(before: Detections, after: Detections, i: Indices, j: Indices, apart: Floats) -> Floats:
    """How much the ellipses of rows ``i`` and ``j`` cover each other, ``apart`` (n, 2) as they are.

    It is the Bhattacharyya coefficient of normal distributions with the same moments: 1 for equal
    ones, near 0 for those that do not touch.
    """
    first, second = _covariance(before)[i], _covariance(after)[j]
    mean = 0.5 * (first + second)
    det = mean[:, 0] * mean[:, 1] - mean[:, 2] ** 2
    y, x = apart.T
    away = (mean[:, 1] * y * y - 2 * mean[:, 2] * y * x + mean[:, 0] * x * x) / det
    own = np.sqrt(
        (first[:, 0] * first[:, 1] - first[:, 2] ** 2)
        * (second[:, 0] * second[:, 1] - second[:, 2] ** 2)
    )
    cover: Floats = np.exp(-away / 8) * np.sqrt(own / det)
    return cover


def _covariance(found: Detections) -> Floats:
    """Of each object's pixels: of y, of x, and of both, (n, 3)."""
    long, short = (np.maximum(axis, 1.0) ** 2 / 16 for axis in (found.major, found.minor))
    cos, sin = np.cos(found.turn), np.sin(found.turn)
    return np.stack(
        [
            long * cos**2 + short * sin**2,
            long * sin**2 + short * cos**2,
            (long - short) * sin * cos,
        ],
        axis=1,
    )


def contested(found: Pairs, odds: Floats, counts: tuple[int, int]) -> NDArray[np.float32]:
    """The features with what others claim: those of `FEATURES`, then three more.

    These are the log ``odds`` that the features alone gave, and the best of the other links of the
    same detection before and of the same one after. ``counts`` are the detections of both frames.
    """
    claims = [
        odds,
        rivals(found.before, odds, counts[0]),
        rivals(found.after, odds, counts[1]),
    ]
    told = np.clip(np.stack(claims, axis=1), -_CLAIM, _CLAIM) / 4
    return np.concatenate([found.features, told.astype(np.float32)], axis=1)


def rivals(row: Indices, odds: Floats, count: int) -> Floats:
    """For each link the best log odds of the other links to the same detection.

    ``row`` are the rows of detections, of which there are ``count``; infinite where there is none.
    """
    best = np.full(count, -np.inf)
    np.maximum.at(best, row, odds)
    is_best = odds == best[row]
    ties = np.bincount(row[is_best], minlength=count)
    second = np.full(count, -np.inf)
    np.maximum.at(second, row[~is_best], odds[~is_best])
    alone = np.where(ties[row] > 1, best[row], second[row])
    return np.where(is_best, alone, best[row])


def _nearest(tree: cKDTree, places: Floats, limit: float) -> tuple[Floats, Indices]:
    """Distances to, and rows of, the nearest; infinite, and row 0, where there are fewer."""
    distance, row = tree.query(places, k=min(NEAREST, tree.n), distance_upper_bound=limit)
    distance, row = distance.reshape(len(places), -1), row.reshape(len(places), -1)
    return distance, np.where(np.isfinite(distance), row, 0)


def _margin(nearest: Floats, distance: Floats, scale: Scale) -> Floats:
    """How much nearer it is than the nearest other, as the logarithm of a ratio, -3 to 3."""
    first = nearest[:, 0]
    second = nearest[:, 1] if nearest.shape[1] > 1 else np.full(len(nearest), np.inf)
    other = np.where(first < distance - 1e-9, first, second)
    soft = 0.1 * scale.spacing
    other = np.minimum(other, 10 * scale.spacing)
    return np.clip(np.log((other + soft) / (distance + soft)), -3, 3)
