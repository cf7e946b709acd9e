"""What became of every object: matched, missed, spurious, broken; and how that looks."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .overlap import Overlaps, merges, splits
from .score import matched


class Verdict(IntEnum):
    """What became of an object. BROKEN, part of a split or a merge, goes before the others."""

    MATCHED = 1
    MISSED = 2
    SPURIOUS = 3
    BROKEN = 4


#: Red, green, blue of each verdict: told apart by people who do not tell red from green.
COLOURS = {
    Verdict.MATCHED: (86, 214, 104),
    Verdict.MISSED: (255, 64, 220),
    Verdict.SPURIOUS: (255, 160, 30),
    Verdict.BROKEN: (40, 215, 255),
}

#: Ids up to this are looked up in a table, of 16 MB at most, ten times faster than by search.
_TABLE = 2**24

#: Opacity of the colour inside an outline; matched objects stay clear so that faults stand out.
_TINT = 0.3


def verdicts(table: Overlaps, threshold: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The `Verdict` on each of ``table.pred_ids`` and each of ``table.truth_ids``.

    Pairs with IoU of at least ``threshold`` match.
    """
    pairs = matched(table, threshold)
    pred = np.full(len(table.pred_ids), Verdict.SPURIOUS, np.uint8)
    truth = np.full(len(table.truth_ids), Verdict.MISSED, np.uint8)
    pred[table.pred[pairs]] = Verdict.MATCHED
    truth[table.truth[pairs]] = Verdict.MATCHED
    split, parts = splits(table)
    merged, members = merges(table)
    pred[parts | merged] = Verdict.BROKEN
    truth[split | members] = Verdict.BROKEN
    return pred, truth


def judged(
    labels: NDArray[Any], ids: NDArray[np.uint32], verdict: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The verdict on each pixel's object, 0 in the background; the shape of ``labels``.

    ``verdict[i]`` is that on object ``ids[i]``; ``ids`` are ascending and hold every id in
    ``labels``.
    """
    top = int(ids[-1]) if len(ids) else 0
    if top <= _TABLE:
        by_id = np.zeros(top + 1, np.uint8)
        by_id[ids] = verdict
        return by_id[labels]
    ids = np.concatenate([[np.uint32(0)], ids])
    return np.concatenate([[np.uint8(0)], verdict])[np.searchsorted(ids, labels)]


def paint(
    labels: NDArray[Any], judgement: NDArray[np.uint8], background: NDArray[np.uint8], zoom: float
) -> NDArray[np.uint8]:
    """Outline each object in the colour of its verdict.

    ``labels``, ``judgement`` (from `judged`) and the grey ``background`` are planes of one shape
    (y, x). Returns red, green, blue: uint8 of shape (y, x, 3), enlarged ``zoom`` times.
    """
    import cv2

    height, width = labels.shape
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    grey = cv2.resize(background, size, interpolation=cv2.INTER_LINEAR)
    _, compact = np.unique(labels, return_inverse=True)
    large = cv2.resize(
        compact.reshape(labels.shape).astype(np.int32), size, interpolation=cv2.INTER_NEAREST
    )
    verdict = cv2.resize(judgement, size, interpolation=cv2.INTER_NEAREST)
    palette = np.zeros((len(Verdict) + 1, 3), np.float32)
    for each, colour in COLOURS.items():
        palette[each] = colour
    opacity = np.where(verdict > Verdict.MATCHED, np.float32(_TINT), np.float32(0))
    opacity[_edges(large, 2 if zoom >= 2 else 1) & (verdict > 0)] = 1
    canvas = grey[..., None] * (1 - opacity[..., None]) + palette[verdict] * opacity[..., None]
    painted: NDArray[np.uint8] = np.round(canvas).astype(np.uint8)
    return painted


def _edges(labels: NDArray[np.int32], width: int) -> NDArray[np.bool_]:
    """Pixels at most ``width`` steps along an axis from another label."""
    edge = np.zeros(labels.shape, bool)
    for step in range(1, width + 1):
        across = labels[:, step:] != labels[:, :-step]
        down = labels[step:] != labels[:-step]
        edge[:, step:] |= across
        edge[:, :-step] |= across
        edge[step:] |= down
        edge[:-step] |= down
    return edge
