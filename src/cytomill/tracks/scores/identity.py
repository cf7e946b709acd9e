"""Identities: how much of the time each cell keeps one name, of its own.

Here a cell is what goes on without a division: tracks that follow each other under new labels are
one. Cells in frames match as in `score_cells`; one that covers several true cells counts for each.
IDF1: Ristani et al., ECCV workshops 2016, doi:10.1007/978-3-319-48881-3_2. HOTA: Luiten et al.,
IJCV 2021, doi:10.1007/s11263-020-01375-2, at this one way of matching; both as py-ctcmetrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ops.track import Track
from .cells import Matches


@dataclass(frozen=True, slots=True)
class Identity:
    """``idf1``, and ``hota`` at the challenge's matching; None where nothing is in either."""

    idf1: float | None
    hota: float | None


def identity(matches: Matches) -> Identity:
    """Compare the cells of a prediction with those of the truth over the whole movie."""
    true = _names(matches.truth.track, matches.truth.tracks)
    told = _names(matches.pred.track, matches.pred.tracks)
    seen = matches.found >= 0
    pairs, together = np.unique(
        np.stack([true[seen], told[matches.found[seen]]]), axis=1, return_counts=True
    )
    missed, spurious = int((~seen).sum()), int((matches.finds == 0).sum())
    found = int(seen.sum())
    if not found + missed + spurious:
        return Identity(None, None)
    # Where one predicted cell covers several true ones it stands for as many.
    times = np.maximum(matches.finds, 1)
    row = np.bincount(true)[pairs[0]]
    column = np.bincount(told, times)[pairs[1]]
    kept = float((together * (together / (row + column - together))).sum())
    best = _most(pairs, together)
    return Identity(
        idf1=2 * best / (2 * found + missed + spurious),
        hota=(kept / (found + missed + spurious)) ** 0.5,
    )


def _names(track: NDArray[np.int64], tracks: Iterable[Track]) -> NDArray[np.int64]:
    """For each node the first label of its cell."""
    every = sorted(tracks, key=lambda one: (one.begin, one.label))
    children = Counter(one.parent for one in every)
    first: dict[int, int] = {}
    for one in every:
        alone = one.parent and children[one.parent] == 1
        first[one.label] = first.get(one.parent, one.label) if alone else one.label
    labels, at = np.unique(track, return_inverse=True)
    return np.array([first[label] for label in labels.tolist()], np.int64)[at]


def _most(pairs: NDArray[np.int64], together: NDArray[np.intp]) -> int:
    """The most frames that pairs of cells, one to one, can have together."""
    true, told = pairs
    contested = (np.bincount(true)[true] > 1) | (np.bincount(told)[told] > 1)
    sure = int(together[~contested].sum())
    return sure + _assigned(pairs[:, contested], together[contested])


def _assigned(pairs: NDArray[np.int64], together: NDArray[np.intp]) -> int:
    """The same as a sparse assignment.

    Each true cell may also take a column of its own, which stands for none.
    """
    if not len(together):
        return 0
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(pairs[0], return_inverse=True)
    columns, column = np.unique(pairs[1], return_inverse=True)
    alone = np.arange(len(rows))
    none = float(together.max()) + 1
    cost = np.concatenate([none - together, np.full(len(rows), none)])
    graph = csr_array(
        (cost, (np.append(row, alone), np.append(column, len(columns) + alone))),
        shape=(len(rows), len(columns) + len(rows)),
    )
    taken_rows, taken = min_weight_full_bipartite_matching(graph)
    return round(none * len(rows) - float(graph[taken_rows, taken].sum()))
