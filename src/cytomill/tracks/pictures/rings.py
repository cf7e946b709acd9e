"""Outlines of cells as smooth lines, in coordinates that OpenCV draws with soft edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...ops.runs import boxes

#: Bits of a pixel in coordinates given to OpenCV.
SHIFT = 4

#: Outlines of fewer pixels than this are drawn as they are: they would shrink.
_FEW = 8

#: Pixels of the picture in a dash.
_DASH = 5


def rings(ids: NDArray[Any], scale: float) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """The labels in ``ids`` (y, x), and the outline of each of their pieces, without holes.

    Outlines run through the outermost pixels, so that those of neighbours lie side by side. They
    are int32 (n, 2), x and y as `parts_of_pixels` of a picture ``scale`` times as large. Each point
    is the mean of itself and its neighbours, so that steps do not show.
    """
    found: list[NDArray[np.int32]] = []
    owners: list[int] = []
    for label, (y0, x0, y1, x1) in zip(*(column.tolist() for column in boxes(ids)), strict=True):
        mask = (ids[y0:y1, x0:x1] == label).view(np.uint8)
        pieces, _ = cv2.findContours(
            mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(x0, y0)
        )
        found.extend(pieces)
        owners.extend([label] * len(pieces))
    if not found:
        return
    lengths = np.array([len(ring) for ring in found])
    stops = np.cumsum(lengths)
    starts = stops - lengths
    before, after = np.arange(-1, stops[-1] - 1), np.arange(1, stops[-1] + 1)
    before[starts], after[stops - 1] = stops - 1, starts
    points = np.concatenate(found)[:, 0].astype(np.float64)
    mean = (points[before] + 2 * points + points[after]) / 4
    few = np.repeat(lengths < _FEW, lengths)
    mean[few] = points[few]
    lines = np.split(parts_of_pixels((mean + 0.5) * scale), stops[:-1])
    yield from zip(owners, lines, strict=True)


def dashes(ring: NDArray[np.int32], scale: float) -> list[NDArray[np.int32]]:
    """Every other piece of one of `rings`, each of about five pixels of the picture."""
    piece = max(1, round(_DASH / scale))
    return [ring[i : i + piece + 1] for i in range(0, max(len(ring) - 1, 1), 2 * piece)]


def parts_of_pixels(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Coordinates (x, y) from pixels' corners as OpenCV takes them: from centres, with `SHIFT`."""
    parts: NDArray[np.int32] = ((points - 0.5) * 2**SHIFT).round().astype(np.int32)
    return parts
