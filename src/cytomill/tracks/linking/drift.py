"""Drift: the part of the cells' movement that all share, as of a stage that slips."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .candidates import Floats
from .detections import Detections

#: Neighbours of each cell that vote.
_VOTERS = 12

#: Cells that vote: more would not change the outcome.
_MOST = 400

#: Drift within this share of the distance between cells is left to the links.
_SLIGHT = 0.25

#: Where more than this share of the votes of all cells is for no drift, there is none.
_RESTING = 0.8


def drift(before: Detections, after: Detections) -> Floats:
    """How far all cells moved together, (y, x) in pixels; zero where that cannot be told.

    The displacements from each cell to its neighbours in the next frame are votes. Those of the
    true successors pile up at the drift, the others are spread. The place with the most votes
    within a quarter of the distance between cells wins, if it has clearly more than no drift has.
    """
    none = np.zeros(2)
    if len(before) < 8 or len(after) < 8:
        return none
    start, end = before.places, after.places
    tree = cKDTree(end)
    spacing = float(np.median(cKDTree(start).query(start, k=2)[0][:, 1]))
    if len(start) > _MOST:
        start = start[:: len(start) // _MOST + 1]
    row = tree.query(start, k=min(_VOTERS, len(end)))[1]
    votes = (end[row] - start[:, None]).reshape(-1, 2)
    width = max(_SLIGHT * spacing, 1.0)
    cast = cKDTree(votes)
    at_rest = len(cast.query_ball_point(none, width))
    if at_rest > _RESTING * len(start):
        return none
    support = cast.query_ball_point(votes, width, return_length=True)
    best = votes[int(np.argmax(support))]
    if support.max() < 0.5 * len(start) or support.max() < 1.3 * at_rest:
        return none
    for _ in range(3):
        near = cast.query_ball_point(best, width)
        best = np.median(votes[near], axis=0)
    return best if np.hypot(*best) > width else none
