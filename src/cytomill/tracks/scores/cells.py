"""Cells of a result beside those of the truth: which cell was found, and by which.

A cell in one frame is a *node* of the graph that the Cell Tracking Challenge compares. A true node
is found by the predicted node that covers more than half of its pixels; a predicted node may so
find several, and is then their merger: the detection test of Matula et al., PLoS ONE 2015,
doi:10.1371/journal.pone.0144959.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...ops.overlap import Overlaps
from ...ops.track import Track


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The cells of a movie, one for each frame that it is in, in order of frame, then label.

    Equally long, int64: ``t`` the frame, ``label`` the number in the image, ``track`` the label of
    the track in `tracks`: the same but where the image and the table of tracks disagree. ``tracks``
    are in order of label.
    """

    t: NDArray[np.int64]
    label: NDArray[np.int64]
    track: NDArray[np.int64]
    tracks: tuple[Track, ...]

    def __len__(self) -> int:
        return len(self.t)

    @classmethod
    def of(cls, t: NDArray[np.int64], label: NDArray[np.int64], tracks: Iterable[Track]) -> Nodes:
        """From the labels that frames show, in order, and the table of tracks.

        What the images show counts: of a track that is missing in frames that the table gives it,
        each stretch of frames is a track, the first under the old label, and the parent of the
        next, as the challenge writes a cell that comes back; a label that the table lacks or gives
        to other frames is a track of its own. A track keeps its parent where it keeps its first
        frame and the parent its last.
        """
        table = {track.label: track for track in tracks}
        order = np.lexsort((t, label))
        starts, inside = _stretches(t[order], label[order], table)
        found = _named(t[order], label[order], starts, inside, table)
        last = {(old, track.end): track.label for old, track in found}
        kept = []
        for old, track in found:
            told = table.get(old)
            if not track.parent and told is not None and told.begin == track.begin:
                above = table.get(told.parent)
                own_parent = last.get((above.label, above.end), 0) if above else 0
                track = replace(track, parent=own_parent)
            kept.append(track)
        own = np.empty(len(order), np.int64)
        names = np.array([track.label for track in kept], np.int64)
        own[order] = np.repeat(names, np.diff(starts, append=len(order)))
        return cls(t, label, own, tuple(sorted(kept)))


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The nodes of the truth and of the prediction, and which found which.

    ``found[i]`` is the predicted node that covers true node i, -1 where none does. ``finds[j]`` is
    the number of true nodes that predicted node j covers.
    """

    truth: Nodes
    pred: Nodes
    found: NDArray[np.intp]
    finds: NDArray[np.int64]

    @property
    def single(self) -> NDArray[np.bool_]:
        """Of each true node whether it is found, and alone, by its predicted node."""
        alone = np.append(self.finds == 1, False)
        result: NDArray[np.bool_] = alone[self.found]
        return result

    @property
    def partner(self) -> NDArray[np.int64]:
        """For each true node the track that finds it, and it alone; 0 where none does."""
        tracks = np.append(self.pred.track, 0)
        result: NDArray[np.int64] = np.where(self.single, tracks[self.found], 0)
        return result


def match(frames: Iterable[Overlaps], pred: Sequence[Track], truth: Sequence[Track]) -> Matches:
    """Match the cells of a movie from the overlaps of its frames, in order from 0.

    ``pred`` and ``truth`` are the tables of tracks. Memory grows with the cells, not with the
    pixels. Where a table and the images disagree the images count, see `Nodes.of`.
    """
    true_t, true_label, pred_t, pred_label, found = ([_NONE] for _ in range(5))
    so_far = 0
    for t, table in enumerate(frames):
        true_t.append(np.full(len(table.truth_ids), t, np.int64))
        true_label.append(table.truth_ids.astype(np.int64))
        pred_t.append(np.full(len(table.pred_ids), t, np.int64))
        pred_label.append(table.pred_ids.astype(np.int64))
        found.append(covers(table, so_far))
        so_far += len(table.pred_ids)
    to = np.concatenate(found)
    return Matches(
        Nodes.of(np.concatenate(true_t), np.concatenate(true_label), truth),
        Nodes.of(np.concatenate(pred_t), np.concatenate(pred_label), pred),
        to,
        np.bincount(to[to >= 0], minlength=so_far),
    )


def covers(table: Overlaps, offset: int = 0) -> NDArray[np.int64]:
    """For each true object the index of the prediction that covers more than half of it, or -1.

    ``offset`` is added to the indices.
    """
    held = np.flatnonzero(2 * table.shared > table.truth_areas[table.truth])
    found = np.full(len(table.truth_ids), -1, np.int64)
    found[table.truth[held]] = table.pred[held] + offset
    return found


_NONE = np.empty(0, np.int64)


def _stretches(
    t: NDArray[np.int64], label: NDArray[np.int64], table: dict[int, Track]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where stretches of frames of a label begin, and whether the table gives a node its frame."""
    labels = np.array(sorted(table), np.int64)
    spans = [(table[one].begin, table[one].end) for one in labels.tolist()]
    begin, end = np.array([*spans, (1, 0)], np.int64)[_found(labels, label)].T
    inside = (begin <= t) & (t <= end)
    new = np.ones(len(t), bool)
    new[1:] = (label[1:] != label[:-1]) | (t[1:] != t[:-1] + 1) | (inside[1:] != inside[:-1])
    return np.flatnonzero(new), inside


def _named(
    t: NDArray[np.int64],
    label: NDArray[np.int64],
    starts: NDArray[np.intp],
    inside: NDArray[np.bool_],
    table: dict[int, Track],
) -> list[tuple[int, Track]]:
    """A track for each stretch, and the label that it has in the images.

    The parent is that of the stretch before, where there is one that the table knows of too.
    """
    free = max([0, *table, *label[-1:].tolist()])
    newest: dict[int, int] = {}
    found: list[tuple[int, Track]] = []
    stops = np.append(starts, len(t))[1:]
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        name = old = int(label[start])
        if old in newest or not inside[start]:
            free += 1
            name = free
        parent = newest.get(old, 0) if inside[start] else 0
        found.append((old, Track(name, int(t[start]), int(t[stop - 1]), parent)))
        if inside[start]:
            newest[old] = name
    return found


def _found(ordered: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where in ``ordered``, which ascends, each of ``wanted`` is; -1 where it is not."""
    if not len(ordered):
        return np.full(len(wanted), -1, np.intp)
    at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    result: NDArray[np.intp] = np.where(ordered[at] == wanted, at, -1)
    return result
