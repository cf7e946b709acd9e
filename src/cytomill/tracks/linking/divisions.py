"""Which detections may have divided into which two of the next frame, and what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .candidates import Floats, Indices, Looks, Pairs, Scale, rivals
from .detections import Detections

#: A daughter that another cell claims with more than these log odds is not considered.
CLAIMED = 4.0

#: Claims are told to the model within these bounds.
_CLAIM = 8.0

#: The names of the features of a division, in order.
FEATURES = (
    "near daughter's distance per spacing",
    "far daughter's distance per spacing",
    "distance between daughters per spacing",
    "far daughter's distance per step",
    "distance between daughters per diameter",
    "mother off the middle",
    "angle at the mother",
    "sizes of daughters",
    "size of daughters to mother's",
    "brightness of daughters",
    "brightness of daughters to mother's",
    "mother's area",
    "mother's brightness",
    "mother's elongation",
    "smaller daughter's area",
    "larger daughter's area",
    "dimmer daughter's brightness",
    "brighter daughter's brightness",
    "longer daughter's elongation",
    "whether there is brightness",
    "change of mother's area so far",
    "change of mother's brightness so far",
    "frames since mother's birth",
    "whether mother's birth was seen",
    "claim on the near daughter",
    "claim on the far daughter",
    "mother's claim on the near daughter",
    "mother's claim on the far daughter",
    "mother's best other claim",
    "border",
    "daughters along mother's short axis",
)


#: Those of them that are about brightness, and zero where there is none.
_LIT = [n for n, name in enumerate(FEATURES) if "bright" in name]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What is known of the cells of a frame from the frames before, a value for each.

    ``velocity`` (n, 2) is their last step in pixels, NaN where they have none; ``area`` and
    ``brightness`` are running means of `Looks`; ``age`` counts frames since the track began, and
    ``born`` says whether that was by a division.
    """

    velocity: Floats
    area: Floats
    brightness: Floats
    age: Floats
    born: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Triples:
    """Candidate divisions: rows of ``mother`` before and of the ``near`` and ``far`` daughters."""

    mother: Indices
    near: Indices
    far: Indices
    features: NDArray[np.float32]


def triples(
    before: Detections,
    after: Detections,
    looks: tuple[Looks, Looks],
    places: Floats,
    past: Past,
    scale: Scale,
    found: Pairs,
    odds: Floats,
) -> Triples:
    """The divisions that are possible among the links ``found``, whose log odds are ``odds``."""
    rival = rivals(found.after, odds, len(after))
    free = np.flatnonzero(rival < CLAIMED)
    first, second = _both(found.before[free])
    a, b = free[first], free[second]
    swap = found.distance[b] < found.distance[a]
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    i, j, k = found.before[a], found.after[a], found.after[b]
    here, then = looks
    to_near, to_far = after.places[j] - places[i], after.places[k] - places[i]
    near, far = found.distance[a], found.distance[b]
    between = after.places[k] - after.places[j]
    apart = np.hypot(*between.T) + 1e-9
    middle = np.hypot(*(0.5 * (to_near + to_far)).T)
    cosine = np.einsum("ij,ij->i", to_near, to_far) / (near * far + 1e-9)
    lit = here.lit and then.lit
    glow = then.brightness if lit else np.zeros(len(after))
    own = here.brightness if lit else np.zeros(len(before))
    size = np.log(np.maximum(after.area, 1.0))
    mass = np.log(np.maximum(before.area, 1.0))
    along = np.abs(_cosine(before, i, between, apart))
    best, other = _best_others(found.before, odds, len(before), a, b)
    features = np.stack(
        [
            near / scale.spacing,
            far / scale.spacing,
            apart / scale.spacing,
            np.minimum(far / scale.step, 30.0) / 5,
            np.minimum(apart / here.diameter[i], 6.0),
            np.minimum(middle / apart, 3.0),
            cosine,
            np.abs(size[j] - size[k]),
            np.logaddexp(size[j], size[k]) - mass[i],
            np.abs(glow[j] - glow[k]),
            0.5 * (glow[j] + glow[k]) - own[i],
            here.area[i],
            own[i],
            here.long[i],
            np.minimum(then.area[j], then.area[k]),
            np.maximum(then.area[j], then.area[k]),
            np.minimum(glow[j], glow[k]),
            np.maximum(glow[j], glow[k]),
            np.maximum(then.long[j], then.long[k]),
            np.full(len(i), lit),
            here.area[i] - past.area[i],
            (own[i] - past.brightness[i]) if lit else np.zeros(len(i)),
            np.minimum(past.age[i], 40.0) / 10,
            past.born[i],
            np.clip(rival[a], -_CLAIM, _CLAIM) / 4,
            np.clip(rival[b], -_CLAIM, _CLAIM) / 4,
            np.clip(odds[a], -_CLAIM, _CLAIM) / 4,
            np.clip(odds[b], -_CLAIM, _CLAIM) / 4,
            np.clip(np.where(other, best, -_CLAIM), -_CLAIM, _CLAIM) / 4,
            np.exp(-here.border[i] / scale.spacing),
            along,
        ],
        axis=1,
    ).astype(np.float32)
    return Triples(i, j, k, features)


def unlit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features, (n, features), as they are where there is no brightness."""
    features = features.copy()
    features[:, _LIT] = 0
    return features


def _both(group: Indices) -> tuple[Indices, Indices]:
    """All pairs of rows of the same ``group``, which ascends."""
    if not len(group):
        none = np.empty(0, np.intp)
        return none, none
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    end = np.repeat(np.append(starts[1:], len(group)), np.diff(np.append(starts, len(group))))
    rest = end - np.arange(len(group)) - 1
    first = np.repeat(np.arange(len(group)), rest)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(rest) - rest, rest)
    return first, first + 1 + offset


def _best_others(
    before: Indices, odds: Floats, count: int, a: Indices, b: Indices
) -> tuple[Floats, NDArray[np.bool_]]:
    """The best log odds of the mother's links but those two, and whether there are any."""
    order = np.lexsort((-odds, before))
    rank = np.empty(len(odds), np.intp)
    starts = np.searchsorted(before[order], np.arange(count))
    rank[order] = np.arange(len(odds)) - starts[before[order]]
    number = np.bincount(before, minlength=count)
    mother = before[a] if len(a) else np.empty(0, np.intp)
    low, high = np.minimum(rank[a], rank[b]), np.maximum(rank[a], rank[b])
    place = np.where(low > 0, 0, np.where(high > 1, 1, 2))
    there = place < number[mother]
    row = order[np.minimum(starts[mother] + place, max(len(order) - 1, 0))] if len(a) else a
    return odds[row], there


def _cosine(before: Detections, i: Indices, between: Floats, apart: Floats) -> Floats:
    """Of the angle between the daughters' line and the mother's short axis."""
    # Orientation is measured from the y axis to the long axis, counter-clockwise in (y, x).
    turn = before.turn[i] + np.pi / 2
    axis = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    cosine: Floats = np.einsum("ij,ij->i", between, axis) / apart
    return cosine
