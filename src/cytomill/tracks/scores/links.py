"""AOGM: what it would cost to mend a result by hand, and DET, LNK and TRA that follow from it.

Cells in frames are nodes and links between them edges of two graphs, see `score_cells`. An edge is
of one of two kinds: within a track, or from a parent to what came from it, be that one track or
several. Matula et al., PLoS ONE 2015, doi:10.1371/journal.pone.0144959; weights and DET, TRA:
celltrackingchallenge.net, "Evaluation methodology"; LNK: the same, "Cell Linking Benchmark".

The challenge's own program (java-ctcmetrics, ``TRA.FindEDAndECEdges``) and py-ctcmetrics take every
link of the parent column as one of the second kind, as its annotation procedure wants a cell that
comes back to be linked by one. traccuracy 0.4.3 takes those of divisions alone, and so counts other
edges as of the wrong kind where a result parts a track in two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cells import Matches, Nodes

#: What the challenge takes each act of mending to cost.
_SPLIT, _ADD_NODE, _DELETE_NODE = 5.0, 10.0, 1.0
_DELETE_EDGE, _ADD_EDGE, _CHANGE_EDGE = 1.0, 1.5, 1.0


@dataclass(frozen=True, slots=True)
class Aogm:
    """The acts that turn a predicted graph into the true one, and the size of the true one.

    ``ns`` mergers to be split (a node that covers n true ones is split n - 1 times), ``fn`` nodes
    to be added, ``fp`` nodes to be deleted; ``ed`` edges to be deleted, ``ea`` to be added, ``ec``
    to be changed in kind. ``nodes`` and ``edges`` are those of the truth.
    """

    ns: int
    fn: int
    fp: int
    ed: int
    ea: int
    ec: int
    nodes: int
    edges: int

    @property
    def detection(self) -> float:
        """AOGM-D, the cost of mending the nodes."""
        return _SPLIT * self.ns + _ADD_NODE * self.fn + _DELETE_NODE * self.fp

    @property
    def linking(self) -> float:
        """AOGM-A, the cost of mending the edges."""
        return _DELETE_EDGE * self.ed + _ADD_EDGE * self.ea + _CHANGE_EDGE * self.ec

    @property
    def cost(self) -> float:
        """AOGM, the cost of mending both."""
        return self.detection + self.linking

    @property
    def det(self) -> float | None:
        """1 - AOGM-D / that of an empty result, at least 0; None without true cells."""
        return _saved(self.detection, _ADD_NODE * self.nodes)

    @property
    def lnk(self) -> float | None:
        """1 - AOGM-A / that of an empty result, at least 0; None without true links."""
        return _saved(self.linking, _ADD_EDGE * self.edges)

    @property
    def tra(self) -> float | None:
        """1 - AOGM / that of an empty result, at least 0; None without true cells."""
        return _saved(self.cost, _ADD_NODE * self.nodes + _ADD_EDGE * self.edges)


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of a graph: the nodes ``source`` and ``target`` (int64), and whether ``parental``.

    An edge of the second kind, from a parent, is parental.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    parental: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.source)

    def only(self, chosen: NDArray[np.bool_]) -> Edges:
        """Those that a mask over the edges chooses."""
        return Edges(self.source[chosen], self.target[chosen], self.parental[chosen])

    @classmethod
    def of(cls, nodes: Nodes) -> Edges:
        """All edges of a movie."""
        order = np.lexsort((nodes.t, nodes.track))
        track, t = nodes.track[order], nodes.t[order]
        follows = np.flatnonzero((track[1:] == track[:-1]) & (t[1:] == t[:-1] + 1))
        first, last = _ends(track)
        children = [one for one in nodes.tracks if one.parent]
        sources = [order[last[one.parent]] for one in children]
        targets = [order[first[one.label]] for one in children]
        parental = np.zeros(len(follows) + len(children), bool)
        parental[len(follows) :] = True
        return cls(
            np.concatenate([order[follows], np.array(sources, np.int64)]),
            np.concatenate([order[follows + 1], np.array(targets, np.int64)]),
            parental,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Mending:
    """What is to be mended, one by one; nodes are indices into those of `Matches`.

    ``merged`` are predicted nodes that cover several true ones, ``missed`` true nodes that none
    covers, ``spurious`` predicted nodes that cover none. ``wrong`` are predicted edges that the
    truth has not, ``lacking`` true edges that the prediction has not, ``confused`` predicted edges
    that the truth has of the other kind.
    """

    merged: NDArray[np.intp]
    missed: NDArray[np.intp]
    spurious: NDArray[np.intp]
    wrong: Edges
    lacking: Edges
    confused: Edges
    counts: Aogm


def mending(matches: Matches) -> Mending:
    """Compare the graphs of a prediction and the truth.

    Only edges whose two nodes find one true node each can be right or wrong; of the others those
    that the truth has are to be added, once their nodes are mended.
    """
    truth, pred = Edges.of(matches.truth), Edges.of(matches.pred)
    single = matches.single
    to_truth = np.full(len(matches.pred), -1, np.int64)
    to_truth[matches.found[single]] = np.flatnonzero(single)
    source, target = to_truth[pred.source], to_truth[pred.target]
    sure = (source >= 0) & (target >= 0)
    pred, source, target = pred.only(sure), source[sure], target[sure]

    count = len(matches.truth) + 1
    true_keys, keys = truth.source * count + truth.target, source * count + target
    order = np.argsort(true_keys)
    at = np.searchsorted(true_keys, keys, sorter=order)
    nearest = np.append(order, -1)[at]
    there = np.append(true_keys, -1)[nearest] == keys
    kinds = np.append(truth.parental, False)[nearest]
    confused = there & (kinds != pred.parental)
    has = np.zeros(len(truth), bool)
    has[nearest[there]] = True

    merged = np.flatnonzero(matches.finds > 1)
    missed = np.flatnonzero(matches.found < 0)
    spurious = np.flatnonzero(matches.finds == 0)
    wrong, lacking = pred.only(~there), truth.only(~has)
    counts = Aogm(
        ns=int((matches.finds[merged] - 1).sum()),
        fn=len(missed),
        fp=len(spurious),
        ed=len(wrong),
        ea=len(lacking),
        ec=int(confused.sum()),
        nodes=len(matches.truth),
        edges=len(truth),
    )
    return Mending(merged, missed, spurious, wrong, lacking, pred.only(confused), counts)


def _ends(track: NDArray[np.int64]) -> tuple[dict[int, int], dict[int, int]]:
    """Where each track begins and ends in an array that ascends."""
    labels, first = np.unique(track, return_index=True)
    last = np.append(first, len(track))[1:] - 1
    names = labels.tolist()
    return (
        dict(zip(names, first.tolist(), strict=True)),
        dict(zip(names, last.tolist(), strict=True)),
    )


def _saved(cost: float, empty: float) -> float | None:
    return 1 - min(cost, empty) / empty if empty else None
