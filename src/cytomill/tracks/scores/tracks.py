"""Whole tracks: how many were followed, how far, and how long cells live.

CT, TF and CCA of the Cell Tracking Challenge, as in Ulman et al., Nature Methods 2017,
doi:10.1038/nmeth.4473, and the challenge's own program (java-ctcmetrics, ``CT``, ``TF``, ``CCA``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ops.track import Track
from .cells import Matches


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """How far each true track was followed: equally long, in order of label.

    ``frames`` (int64) are the track's; ``longest`` (int64) the most of them on end in which one
    predicted track finds the cell, and it alone; ``pieces`` (int64) how many such stretches there
    are, however short. ``complete`` (bool): one predicted track does so throughout, and begins and
    ends with it. ``credited`` (int64) is ``longest`` as TF counts it: a predicted track that
    follows a true one throughout does not count for true tracks of higher labels.
    """

    label: NDArray[np.int64]
    frames: NDArray[np.int64]
    longest: NDArray[np.int64]
    pieces: NDArray[np.int64]
    complete: NDArray[np.bool_]
    credited: NDArray[np.int64]


def followed(matches: Matches) -> Followed:
    """Look along every true track."""
    truth, tracks = matches.truth, matches.truth.tracks
    label = np.array([track.label for track in tracks], np.int64)
    begin = np.array([track.begin for track in tracks], np.int64)
    frames = np.array([track.end - track.begin + 1 for track in tracks], np.int64)
    longest, pieces, by, credited = (np.zeros_like(frames) for _ in range(4))

    order = np.lexsort((truth.t, truth.track))
    track, partner = truth.track[order], matches.partner[order]
    new = np.ones(len(order), bool)
    new[1:] = (track[1:] != track[:-1]) | (partner[1:] != partner[:-1])
    starts = np.flatnonzero(new)
    lengths = np.diff(starts, append=len(order))
    found = partner[starts] > 0
    starts, lengths = starts[found], lengths[found]
    whose, who = np.searchsorted(label, track[starts]), partner[starts]
    np.maximum.at(longest, whose, lengths)
    np.add.at(pieces, whose, 1)
    by[whose] = who

    whole = lengths == frames[whose]
    used = np.full(int(who.max(initial=0)) + 1, len(label))
    np.minimum.at(used, who[whole], whose[whole])
    counts = whose <= used[who]
    np.maximum.at(credited, whose[counts], lengths[counts])

    spans = {one.label: (one.begin, one.end) for one in matches.pred.tracks}
    same = np.array(
        [
            spans.get(one) == (first, first + count - 1)
            for one, first, count in zip(by.tolist(), begin.tolist(), frames.tolist(), strict=True)
        ],
        bool,
    )
    return Followed(label, frames, longest, pieces, (longest == frames) & same, credited)


def complete_tracks(followed: Followed, predicted: int) -> float | None:
    """CT: 2 x complete tracks / (true tracks + ``predicted`` ones); None without true tracks."""
    if not len(followed.label):
        return None
    return 2 * int(followed.complete.sum()) / (len(followed.label) + predicted)


def track_fractions(followed: Followed) -> float | None:
    """TF: the mean of what was followed of a track, over those found at all; 0 where none was.

    None without true tracks. What counts is `Followed.credited`, as in the challenge's program: the
    paper says nothing of predicted tracks that follow several true ones.
    """
    if not len(followed.label):
        return None
    seen = followed.credited > 0
    return float((followed.credited[seen] / followed.frames[seen]).mean()) if seen.any() else 0.0


def cell_cycles(tracks: Iterable[Track]) -> list[int]:
    """The lengths in frames of all tracks that begin and end with a division, ascending."""
    every = tuple(tracks)
    children = Counter(track.parent for track in every if track.parent)
    return sorted(
        track.end - track.begin + 1
        for track in every
        if children[track.label] > 1 and children[track.parent] > 1
    )


def cell_cycle_accuracy(pred: Iterable[Track], truth: Iterable[Track]) -> float | None:
    """CCA: 1 - the largest gap between the cumulative distributions of cell-cycle lengths.

    0 where the prediction has no whole cell cycle, None where the truth has none.
    """
    true, told = np.array(cell_cycles(truth)), np.array(cell_cycles(pred))
    if not len(true):
        return None
    if not len(told):
        return 0.0
    at = np.union1d(true, told)
    gap = np.abs(
        np.searchsorted(true, at, "right") / len(true)
        - np.searchsorted(told, at, "right") / len(told)
    )
    return float(1 - gap.max())
