"""The floor: the assignment of centres with the least sum of distances, and a rule for divisions.

A cell that nothing was assigned to is the sister of the nearest cell that was linked, if that is
within reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .movie import Movie, Told, joined

GRID = [
    {"reach": reach, "divide": divide}
    for reach, divide in product((10, 15, 20, 30, 40, 60), (True, False))
]

_Frames = list[tuple[int, NDArray[np.float64]]]


def prepare(movie: Movie) -> _Frames:
    return [(rows.start, movie.places[rows]) for _, rows in movie.frames]


def link(prepared: _Frames, setting: dict[str, Any]) -> list[tuple[int, int]]:
    return list(_links(prepared, setting["reach"], setting["divide"]))


def _links(frames: _Frames, reach: float, divide: bool) -> Iterator[tuple[int, int]]:
    for (first, before), (second, after) in pairwise(frames):
        distance = cdist(before, after)
        i, j = linear_sum_assignment(np.minimum(distance, reach))
        near = distance[i, j] < reach
        i, j = i[near], j[near]
        yield from zip((i + first).tolist(), (j + second).tolist(), strict=True)
        new = np.setdiff1d(np.arange(len(after)), j)
        if divide and len(i) and len(new):
            apart = distance[np.ix_(i, new)]
            own = np.argmin(apart, axis=1)
            taken: set[int] = set()
            for mother in np.argsort(apart.min(axis=1)).tolist():
                head = int(own[mother])
                if apart[mother, head] < reach and head not in taken:
                    taken.add(head)
                    yield int(i[mother]) + first, int(new[head]) + second


def told(movie: Movie, linked: list[tuple[int, int]]) -> Told:
    return joined(iter(linked), len(movie.columns["t"]))
