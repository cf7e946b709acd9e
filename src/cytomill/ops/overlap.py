"""Which objects of two labelled images share pixels, and how many: what every score starts from.

The table is sparse: it holds the pairs that touch, a few per object, never objects x objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The largest object id: two ids fit one 64-bit key.
MAX_ID = 2**32 - 1

#: Pixels counted at a time: 4 Mpx of keys and their runs stay near 100 MB.
_CHUNK = 2**22

#: An object is in pieces only if the pieces beside the largest cover this fraction of it, as
#: 1 / _SCRAP: a stray speck beside a good outline is no split.
_SCRAP = 10


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """The objects of a prediction and of the truth, and every pair of them that shares pixels.

    ``pred_ids`` and ``truth_ids`` are the ids there are, ascending, without 0 (background);
    ``pred_areas`` and ``truth_areas`` their pixels. Pair k is object ``pred_ids[pred[k]]`` and
    object ``truth_ids[truth[k]]``, which share ``shared[k]`` pixels; ``iou[k]`` is their
    intersection over union. Ids are uint32, areas and ``shared`` int64, ``iou`` float64.
    """

    pred_ids: NDArray[np.uint32]
    pred_areas: NDArray[np.int64]
    truth_ids: NDArray[np.uint32]
    truth_areas: NDArray[np.int64]
    pred: NDArray[np.intp]
    truth: NDArray[np.intp]
    shared: NDArray[np.int64]
    iou: NDArray[np.float64]


def overlaps(pred: NDArray[Any], truth: NDArray[Any]) -> Overlaps:
    """Compare two labelled images of one shape, any number of axes; see `overlaps_of_blocks`."""
    return overlaps_of_blocks([(pred, truth)])


def overlaps_of_blocks(blocks: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Overlaps:
    """Compare two labelled images given as ``(pred, truth)`` blocks that tile them, in any order.

    Both arrays of a block have the same shape, any number of axes and an integer dtype; values
    are object ids from 0 (background) to `MAX_ID`. An object may span blocks. Memory grows with
    the objects, not with the pixels. Raises ValueError where the shapes of a block differ.
    """
    keys: list[NDArray[np.uint64]] = []
    counts: list[NDArray[np.int64]] = []
    for chunk in _chunks(blocks):
        found, pixels = _tally(*_runs(chunk))
        keys.append(found)
        counts.append(pixels)
    key, count = _tally(
        np.concatenate([*keys, np.empty(0, np.uint64)]),
        np.concatenate([*counts, np.empty(0, np.int64)]),
    )
    pred_ids, pred, pred_areas = _objects(key >> np.uint64(32), count)
    truth_ids, truth, truth_areas = _objects(key & np.uint64(MAX_ID), count)
    both = (pred >= 0) & (truth >= 0)
    pred, truth, shared = pred[both], truth[both], count[both]
    union = pred_areas[pred] + truth_areas[truth] - shared
    return Overlaps(
        pred_ids, pred_areas, truth_ids, truth_areas, pred, truth, shared, shared / union
    )


def splits(overlaps: Overlaps) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which truth objects are split, and which predictions are the pieces.

    A prediction is a piece of the truth object that holds more than half of it. A truth object
    with two or more pieces is split, if those beside the largest cover at least a tenth of it.
    Returns masks over ``truth_ids`` and over ``pred_ids``. A split object may also be matched:
    one piece can be large enough.
    """
    return _in_pieces(
        overlaps.truth, overlaps.truth_areas, overlaps.pred, overlaps.pred_areas, overlaps.shared
    )


def merges(overlaps: Overlaps) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which predictions merge truth objects, and which truth objects are merged.

    The rule of `splits` with truth and prediction exchanged; returns masks over ``pred_ids`` and
    over ``truth_ids``.
    """
    return _in_pieces(
        overlaps.pred, overlaps.pred_areas, overlaps.truth, overlaps.truth_areas, overlaps.shared
    )


def _in_pieces(
    whole: NDArray[np.intp],
    whole_areas: NDArray[np.int64],
    piece: NDArray[np.intp],
    piece_areas: NDArray[np.int64],
    shared: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    inside = 2 * shared > piece_areas[piece]
    whole, piece, shared = whole[inside], piece[inside], shared[inside]
    size = len(whole_areas)
    total, largest = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.add.at(total, whole, shared)
    np.maximum.at(largest, whole, shared)
    several = np.bincount(whole, minlength=size) > 1
    broken = several & (_SCRAP * (total - largest) >= whole_areas)
    pieces = np.zeros(len(piece_areas), bool)
    pieces[piece[broken[whole]]] = True
    return broken, pieces


def _chunks(
    blocks: Iterable[tuple[NDArray[Any], NDArray[Any]]],
) -> Iterator[NDArray[np.uint64]]:
    """Flat runs of pixels, each pixel's two ids in one key: prediction high, truth low."""
    for pred, truth in blocks:
        if pred.shape != truth.shape:
            raise ValueError(f"shapes differ: {pred.shape} and {truth.shape}")
        high, low = pred.reshape(-1), truth.reshape(-1)
        for start in range(0, high.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            yield high[part].astype(np.uint64) << np.uint64(32) | low[part].astype(np.uint64)


def _runs(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Runs of equal keys and their lengths, background left out: ten times fewer than pixels."""
    starts = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])
    lengths = np.diff(starts, append=keys.size)
    found = keys[starts]
    seen = found != 0
    return found[seen], lengths[seen]


def _tally(
    keys: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The distinct keys, ascending, and the sum of the counts of each."""
    found, index = np.unique(keys, return_inverse=True)
    total = np.zeros(len(found), np.int64)
    np.add.at(total, index, counts)
    return found, total


def _objects(
    ids: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.intp], NDArray[np.int64]]:
    """The distinct ids but 0, each entry's index among them (-1 for 0), and their areas."""
    found, index = np.unique(ids, return_inverse=True)
    area = np.zeros(len(found), np.int64)
    np.add.at(area, index, counts)
    if len(found) and found[0] == 0:
        found, index, area = found[1:], index - 1, area[1:]
    return found.astype(np.uint32), index, area
