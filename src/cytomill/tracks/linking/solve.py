"""Choosing links and divisions between two frames: the best that go together.

The choice maximises the sum of the log odds of what is chosen, where each detection of the one
frame goes on as at most one of the other, or divides into two, and each of the other comes from at
most one. Detections that compete fall into small groups. Where no division is in question a group
is an assignment; else it is an integer program, or, of a few, tried out. All are solved exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

#: Detections of one call of a solver: more would only make it slower, groups are independent.
_BATCH = 500

#: Links and divisions of a group up to which the best choice is found by trying.
_FEW = 12


def choose(
    counts: tuple[int, int],
    links: tuple[Indices, Indices, Floats],
    divisions: tuple[Indices, Indices, Indices, Floats],
) -> tuple[Mask, Mask]:
    """Which links and which divisions to choose, as masks over them.

    ``counts`` are the detections of the two frames. ``links`` are rows before, rows after and log
    odds; ``divisions`` rows of mothers, of both daughters, and log odds. Those of no positive odds
    are not chosen.
    """
    before, after, odds = links
    mother, near, far, worth = divisions
    chosen, divided = np.zeros(len(odds), bool), np.zeros(len(worth), bool)
    good, possible = np.flatnonzero(odds > 0), np.flatnonzero(worth > 0)
    n, m = counts
    ends = np.concatenate([before[good], mother[possible], mother[possible]])
    heads = np.concatenate([after[good], near[possible], far[possible]])
    claims = np.bincount(ends, minlength=n)[ends] + np.bincount(heads, minlength=m)[heads]
    rest = claims > 2
    alone = ~rest[: len(good)]
    chosen[good[alone]] = True
    if not rest.any():
        return chosen, divided
    good, ends, heads = good[~alone], ends[rest], heads[rest] + n
    graph = csr_matrix((np.ones(len(ends), np.int8), (ends, heads)), shape=(n + m, n + m))
    groups, group = connected_components(graph, directed=False)
    mixed = np.zeros(groups, bool)
    mixed[group[mother[possible]]] = True
    own = group[before[good]]
    plain = good[~mixed[own]]
    for rows in _batches(group[before[plain]]):
        some = plain[rows]
        chosen[some[_assigned(before[some], after[some], odds[some])]] = True
    tangled = good[mixed[own]]
    members = np.concatenate([group[before[tangled]], group[mother[possible]]])
    few = np.bincount(members, minlength=groups)[members] <= _FEW
    solvers = (
        (_searched, _batches(members, np.flatnonzero(few), 1)),
        (
            _programmed,
            _batches(members, np.flatnonzero(~few)),
        ),
    )
    for solve, batches in solvers:
        for rows in batches:
            some = tangled[rows[rows < len(tangled)]]
            parts = possible[rows[rows >= len(tangled)] - len(tangled)]
            taken = solve(
                (before[some], after[some], odds[some]),
                (mother[parts], near[parts], far[parts], worth[parts]),
            )
            chosen[some[taken[: len(some)]]] = True
            divided[parts[taken[len(some) :]]] = True
    return chosen, divided


def _batches(group: Indices, rows: Indices | None = None, size: int = _BATCH) -> list[Indices]:
    """``rows``, by default all, in batches of about ``size`` that hold groups whole."""
    rows = np.arange(len(group)) if rows is None else rows
    if not len(rows):
        return []
    order = rows[np.argsort(group[rows], kind="stable")]
    same = group[order]
    first = np.searchsorted(same, same)  # where the group of each row begins
    batch = first // size
    cuts = np.flatnonzero(np.diff(batch)) + 1
    return [np.asarray(some) for some in np.split(order, cuts)]


def _assigned(before: Indices, after: Indices, odds: Floats) -> Mask:
    """The links of the best assignment; all odds are positive."""
    rows, i = np.unique(before, return_inverse=True)
    columns, j = np.unique(after, return_inverse=True)
    n, m = len(rows), len(columns)
    # Each row may also go to a column of its own, which stands for no link. The solver looks for
    # the least cost, and takes no cost for no edge: so costs are shifted, the same for every row.
    top = float(odds.max()) + 1.0
    cost = np.concatenate([top - odds, np.full(n, top)])
    ends = np.concatenate([i, np.arange(n)])
    heads = np.concatenate([j, m + np.arange(n)])
    matrix = csr_matrix((cost, (ends, heads)), shape=(n, m + n))
    _, matched = min_weight_full_bipartite_matching(matrix)
    taken: Mask = np.asarray(matched)[i] == j
    return taken


def _searched(
    links: tuple[Indices, Indices, Floats], divisions: tuple[Indices, Indices, Indices, Floats]
) -> Mask:
    """As `_programmed`, of a few, by trying: a solver takes longer to be called."""
    rows: dict[tuple[int, int], int] = {}

    def bit(side: int, row: int) -> int:
        return rows.setdefault((side, row), 1 << len(rows))

    uses = [bit(0, i) | bit(1, j) for i, j in zip(*(c.tolist() for c in links[:2]), strict=True)]
    uses += [
        bit(0, i) | bit(1, j) | bit(1, k)
        for i, j, k in zip(*(c.tolist() for c in divisions[:3]), strict=True)
    ]
    worth = np.concatenate([links[2], divisions[3]])
    order = np.argsort(-worth, kind="stable").tolist()
    values = [float(worth[one]) for one in order]
    needs = [uses[one] for one in order]
    left = [*np.cumsum(values[::-1])[::-1].tolist(), 0.0]
    best, found = 0.0, 0

    def search(place: int, used: int, total: float, picked: int) -> None:
        nonlocal best, found
        if total > best:
            best, found = total, picked
        if place == len(values) or total + left[place] <= best:
            return
        if not needs[place] & used:
            taken = picked | 1 << place
            search(place + 1, used | needs[place], total + values[place], taken)
        search(place + 1, used, total, picked)

    search(0, 0, 0.0, 0)
    mask = np.zeros(len(worth), bool)
    mask[[one for place, one in enumerate(order) if found >> place & 1]] = True
    return mask


def _programmed(
    links: tuple[Indices, Indices, Floats], divisions: tuple[Indices, Indices, Indices, Floats]
) -> Mask:
    """The links and divisions, in this order, of the best choice."""
    before, after, odds = links
    mother, near, far, worth = divisions
    count = len(odds) + len(worth)
    variable = np.arange(count)
    split = variable[len(odds) :]
    rows, i = np.unique(np.concatenate([before, mother]), return_inverse=True)
    columns, j = np.unique(np.concatenate([after, near, far]), return_inverse=True)
    once = csr_matrix(
        (
            np.ones(count + len(odds) + 2 * len(worth)),
            (
                np.concatenate([i, len(rows) + j]),
                np.concatenate([variable, variable[: len(odds)], split, split]),
            ),
        ),
        shape=(len(rows) + len(columns), count),
    )
    solved = milp(
        -np.concatenate([odds, worth]),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(once, -np.inf, 1),
        options={"mip_rel_gap": 0},
    )
    if solved.x is None:
        raise RuntimeError(f"links could not be chosen: {solved.message}")
    taken: Mask = solved.x > 0.5
    return taken
