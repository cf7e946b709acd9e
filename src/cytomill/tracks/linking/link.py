"""Linking: from the detections of frames, one after the other, to tracks.

Between two frames the links and divisions are chosen that are likeliest together. What is then left
over, tracks that ended and cells that began, is linked across gaps, again by what is likeliest
together. Frames come one at a time; what is kept of those before are the ends of tracks and, of
each detection, its label and that of its track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ops.track import Track
from .candidates import Floats, Indices, contested
from .detections import Detections
from .divisions import unlit
from .leftovers import Ends, Leftovers, leftovers
from .network import Network, Networks, shipped
from .solve import choose
from .step import Frame, Step, Units, between, first

#: Added to the log odds of links, of divisions, and of links across gaps. In the movies that the
#: networks learnt from more was missed and invented than is usual, so they doubt too much. Chosen
#: on the two sequences of docs/tracking.md; what is near does nearly as well.
_LINK, _DIVISION, _GAP = 3.0, 7.0, 1.0


@dataclass(frozen=True, slots=True)
class Linking:
    """How to link.

    ``max_gap`` are the frames that a track may not be seen in and go on. ``reach`` is how far a
    cell may move from one frame to the next, in pixels; None leaves that to what is likely.
    ``divide`` says whether cells divide.
    """

    max_gap: int = 4
    reach: float | None = None
    divide: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """What came of linking.

    ``labels`` has for each frame that was added the labels of its detections and the labels of
    their tracks, both int32. ``tracks`` are in order of label, from 1.
    """

    tracks: tuple[Track, ...]
    labels: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]]


class Linker:
    """Links frames: `add` them in order, then `finish`. The same frames give the same tracks."""

    def __init__(self, how: Linking | None = None, networks: Networks | None = None) -> None:
        self._how = how or Linking()
        self._networks = networks or shipped()
        self._units = Units()
        self._frame: Frame | None = None
        self._now: Indices = np.empty(0, np.intp)  # the track of each detection of the last frame
        self._ends: Ends | None = None
        self._begin: list[int] = []
        self._end: list[int] = []
        self._parent: list[int] = []
        self._labels: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}

    def add(self, found: Detections) -> None:
        """The detections of the next frame. Frames that were lost are left out."""
        if self._frame is None:
            self._frame = first(found)
            self._now = self._begun(found.t, np.zeros(len(found), np.intp))
        else:
            step = between(self._frame, found, self._units, self._how.reach)
            self._go_on(step, *chosen(step, self._networks, divide=self._how.divide))
        self._labels[found.t] = found.ids, (self._now + 1).astype(np.int32)

    def finish(self) -> Linked:
        """The tracks."""
        rows = zip(self._begin, self._end, self._parent, strict=True)
        tracks = (Track(label, *row) for label, row in enumerate(rows, start=1))
        return Linked(tuple(tracks), self._labels)

    def _go_on(self, step: Step, origin: Indices, born: NDArray[np.bool_]) -> None:
        """Take over what was chosen, close gaps, and begin tracks for the rest."""
        t = step.found.t
        old = self._now[origin] if len(self._now) else origin
        now = np.where((origin >= 0) & ~born, old, -1)
        frame = step.frame(origin, born)
        gone = np.ones(len(step.before.found), bool)
        gone[origin[origin >= 0]] = False
        ends = self._open(step.before, np.flatnonzero(gone), t).moved(step.shift)
        starts = np.flatnonzero(origin < 0)
        if len(ends) and len(starts):
            candidates = leftovers(ends, frame, starts, step.scale, self._how.reach)
            end, start = closed(candidates, (len(ends), len(step.found)), self._networks)
            now[start] = ends.track[end]
            frame.past.age[start] = ends.age[end] + t - ends.t[end]
            open_still = np.ones(len(ends), bool)
            open_still[end] = False
            ends = ends.take(open_still)
        self._ends = ends
        new = np.flatnonzero(now < 0)
        now[new] = self._begun(t, np.where(born[new], old[new] + 1, 0))
        for track in now.tolist():
            self._end[track] = t
        self._frame, self._now = frame, now

    def _open(self, before: Frame, gone: Indices, t: int) -> Ends:
        """The ends that a beginning in frame ``t`` may go on from."""
        ends = Ends.of(before, gone, self._now[gone])
        if self._ends is not None:
            ends = self._ends.joined(ends)
        # What was seen in the last frame there was has no gap, however many were lost.
        return ends.take((t - ends.t - 1 <= self._how.max_gap) | (ends.t == before.t))

    def _begun(self, t: int, parents: NDArray[np.integer]) -> Indices:
        """New tracks, one for each of ``parents``, the label of each one's mother or 0."""
        count = len(self._begin)
        self._begin += [t] * len(parents)
        self._end += [t] * len(parents)
        self._parent += parents.tolist()
        return np.arange(count, len(self._begin))


def chosen(
    step: Step, networks: Networks, *, divide: bool = True
) -> tuple[Indices, NDArray[np.bool_]]:
    """For each detection the row before that it comes from, or -1, and whether by division."""
    counts = len(step.before.found), len(step.found)
    odds = link_odds(step, networks) + _LINK
    candidates = step.triples(odds)
    worth = _worth(candidates.features, networks["divisions"]) + _DIVISION
    if not divide:
        worth = np.full(len(worth), -np.inf)
    pairs, daughters = step.pairs, (candidates.near, candidates.far)
    links, divisions = choose(
        counts, (pairs.before, pairs.after, odds), (candidates.mother, *daughters, worth)
    )
    origin, born = np.full(counts[1], -1), np.zeros(counts[1], bool)
    origin[pairs.after[links]] = pairs.before[links]
    for daughter in daughters:
        origin[daughter[divisions]] = candidates.mother[divisions]
        born[daughter[divisions]] = True
    return origin, born


def link_odds(step: Step, networks: Networks) -> Floats:
    """The log odds of the candidate links of a step."""
    alone = networks["links"].odds(step.pairs.features)
    counts = len(step.before.found), len(step.found)
    return networks["claims"].odds(contested(step.pairs, alone, counts))


def closed(
    candidates: Leftovers, counts: tuple[int, int], networks: Networks
) -> tuple[Indices, Indices]:
    """Rows of ends, and the detections that they go on as; ``counts`` are those of both."""
    odds = networks["gaps"].odds(candidates.features) + _GAP
    nothing = np.empty(0, np.intp)
    links, _ = choose(
        counts,
        (candidates.end, candidates.start, odds),
        (nothing, nothing, nothing, np.empty(0)),
    )
    return candidates.end[links], candidates.start[links]


def _worth(features: NDArray[np.float32], network: Network) -> Floats:
    """The log odds of divisions: the mean of those with brightness and those without.

    How bright dividing cells are differs from stain to stain more than how they move.
    """
    worth: Floats = 0.5 * (network.odds(features) + network.odds(unlit(features)))
    return worth
