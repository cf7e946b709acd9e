"""What is wrong with a result, one by one, and where to look for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cells import Nodes
from .divisions import Division
from .links import Edges
from .movie import Places
from .score import Comparison

#: Kinds of errors, in the order in which they are told of a frame.
KINDS = (
    "missed division",
    "spurious division",
    "broken track",
    "missed cell",
    "spurious cell",
    "merged cells",
    "missing link",
    "wrong link",
    "confused link",
)


@dataclass(frozen=True, slots=True)
class Error:
    """An error of a kind of `KINDS`: in ``frame``, at ``y`` and ``x`` in pixels.

    ``label`` is the one in the prediction, ``true_label`` that in the truth, 0 where the error has
    none. Of a link the frame and place are those where it ends, of a division those of the parent's
    last frame, of a broken track those where another track, or none, takes over.
    """

    kind: str
    frame: int
    y: float
    x: float
    label: int
    true_label: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A true track that no predicted one follows throughout; see `score_tracks.Followed`."""

    label: int
    begin: int
    end: int
    longest: int
    pieces: int

    @property
    def lost(self) -> int:
        """Frames outside the longest stretch."""
        return self.end - self.begin + 1 - self.longest


def errors(comparison: Comparison, places: Places, tolerance: int) -> list[Error]:
    """All errors, in order of frame, kind and labels; divisions at ``tolerance`` frames."""
    matches, mending = comparison.matches, comparison.mending
    pred, truth = matches.pred, matches.truth
    found = [
        *_nodes("missed cell", truth, places.truth, mending.missed, true=True),
        *_nodes("spurious cell", pred, places.pred, mending.spurious),
        *_nodes("merged cells", pred, places.pred, mending.merged),
        *_links("missing link", truth, places.truth, mending.lacking, true=True),
        *_links("wrong link", pred, places.pred, mending.wrong),
        *_links("confused link", pred, places.pred, mending.confused),
        *_breaks(comparison, places),
    ]
    compared = comparison.divisions[tolerance]
    found += _parents("missed division", truth, places.truth, compared.missed, true=True)
    found += _parents("spurious division", pred, places.pred, compared.spurious)
    rank = {kind: place for place, kind in enumerate(KINDS)}
    return sorted(found, key=lambda one: (one.frame, rank[one.kind], one.true_label, one.label))


def broken(comparison: Comparison) -> list[Broken]:
    """The true tracks that were not followed throughout, those that lost most frames first."""
    along, tracks = comparison.followed, comparison.matches.truth.tracks
    found = [
        Broken(track.label, track.begin, track.end, int(longest), int(pieces))
        for track, longest, pieces in zip(tracks, along.longest, along.pieces, strict=True)
        if longest <= track.end - track.begin
    ]
    return sorted(found, key=lambda one: (-one.lost, one.label))


def _nodes(
    kind: str,
    nodes: Nodes,
    places: NDArray[np.float64],
    chosen: NDArray[np.int64],
    *,
    true: bool = False,
) -> Iterator[Error]:
    labels, frames = nodes.label[chosen].tolist(), nodes.t[chosen].tolist()
    for label, t, (y, x) in zip(labels, frames, places[chosen].tolist(), strict=True):
        yield Error(kind, t, y, x, 0 if true else label, label if true else 0)


def _links(
    kind: str, nodes: Nodes, places: NDArray[np.float64], edges: Edges, *, true: bool = False
) -> Iterator[Error]:
    return _nodes(kind, nodes, places, edges.target, true=true)


def _breaks(comparison: Comparison, places: Places) -> Iterator[Error]:
    """Where the predicted track that follows a true one changes or ends."""
    matches = comparison.matches
    truth, partner = matches.truth, matches.partner
    order = np.lexsort((truth.t, truth.track))
    track, followed = truth.track[order], partner[order]
    at = np.flatnonzero(
        (track[1:] == track[:-1]) & (followed[1:] != followed[:-1]) & (followed[:-1] > 0)
    )
    return _nodes("broken track", truth, places.truth, order[at + 1], true=True)


def _parents(
    kind: str,
    nodes: Nodes,
    places: NDArray[np.float64],
    divisions: Sequence[Division],
    *,
    true: bool = False,
) -> Iterator[Error]:
    ends = {(one.parent.label, one.parent.end) for one in divisions}
    chosen = [
        index
        for index, key in enumerate(zip(nodes.track.tolist(), nodes.t.tolist(), strict=True))
        if key in ends
    ]
    return _nodes(kind, nodes, places, np.array(chosen, np.int64), true=true)
