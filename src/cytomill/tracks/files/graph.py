"""A lineage as a graph: spots are its nodes, and an edge leads from each to the next."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..lineage import Lineage, Spots


def edges(lineage: Lineage) -> NDArray[np.int64]:
    """From which spot to which the cells go: rows of `Spots`, (n, 2), source and target.

    A spot leads to that of the same track in the next frame that has one, and the last one of a
    parent to the first ones of its daughters. In order of target, so of frame, then label.
    """
    order, first = by_track(lineage.spots)
    inside = np.ones(len(order), bool)
    inside[first] = False
    target = order[inside]
    source = order[np.flatnonzero(inside) - 1]
    born = [track for track in lineage.tracks if track.parent]
    labels = lineage.spots.label[order[first]]
    last = np.append(first[1:], len(order)) - 1
    daughter = np.searchsorted(labels, np.array([track.label for track in born], np.int64))
    parent = np.searchsorted(labels, np.array([track.parent for track in born], np.int64))
    source = np.concatenate((source, order[last[parent]]))
    target = np.concatenate((target, order[first[daughter]]))
    return np.column_stack((source, target))[np.argsort(target, kind="stable")]


def by_track(spots: Spots) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of ``spots`` in order of track, then frame, and where in them each track begins."""
    order = np.argsort(spots.label, kind="stable").astype(np.int64)
    labels = spots.label[order].astype(np.int64)
    return order, np.flatnonzero(np.diff(labels, prepend=-1))


def of_spots(lineage: Lineage, values: Mapping[int, int]) -> NDArray[np.int64]:
    """For each spot what ``values`` has for its track; (n,)."""
    labels = np.array([track.label for track in lineage.tracks], np.int64)
    found = np.array([values[track.label] for track in lineage.tracks], np.int64)
    return found[np.searchsorted(labels, lineage.spots.label)]
