"""The length of outlines, as scikit-image estimates it.

Each border pixel of an object (one that has a pixel of something else beside, above or below it)
is weighted by how the border goes on from it: 1 straight, √2 diagonally, and their mean at a bend.
Benkrid and Crookes, Design and FPGA implementation of a perimeter estimator, Queen's University
of Belfast, 2000.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from .runs import LABEL, ROW, START, STOP


def _weights() -> NDArray[np.float64]:
    """The weight of a border pixel by ``2 * beside + 10 * diagonal``: its border neighbours."""
    weights = np.zeros(49)
    weights[[4, 6, 14, 16, 24, 26]] = 1
    weights[[20, 32]] = np.sqrt(2)
    weights[[12, 22]] = (1 + np.sqrt(2)) / 2
    return weights


_WEIGHTS = _weights()


def perimeters(
    labels: NDArray[np.int32], runs: NDArray[np.int32], count: int
) -> NDArray[np.float64]:
    """The perimeter in pixels of each object of ``labels`` (y, x), contiguous, ids 0..``count``.

    ``runs`` is `runs.label_runs` of them. Returns float64 (count + 1,), index 0 unused, 0 for
    absent objects. The edge of the image is a border too.
    """
    return np.asarray(_perimeters(labels, runs, count, _WEIGHTS))


@numba.njit(nogil=True, cache=True)
def _perimeters(
    labels: NDArray[np.int32],
    runs: NDArray[np.int32],
    count: int,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    height, width = labels.shape
    out = np.zeros(count + 1, np.float64)
    # Three rows at a time of labels of border pixels, else 0; the frame spares bounds checks.
    rows = np.zeros((3, width + 2), np.int32)
    run = 0
    for y in range(height + 1):
        below = rows[y % 3]
        _border(labels, y, below)
        above, here = rows[(y + 1) % 3], rows[(y + 2) % 3]
        while run < len(runs) and runs[run, ROW] == y - 1:
            label = runs[run, LABEL]
            for x in range(runs[run, START] + 1, runs[run, STOP] + 1):
                if here[x] == 0:
                    continue
                beside = (
                    (above[x] == label)
                    + (below[x] == label)
                    + (here[x - 1] == label)
                    + (here[x + 1] == label)
                )
                diagonal = (
                    (above[x - 1] == label)
                    + (above[x + 1] == label)
                    + (below[x - 1] == label)
                    + (below[x + 1] == label)
                )
                out[label] += weights[2 * beside + 10 * diagonal]
            run += 1
    return out


@numba.njit(nogil=True, cache=True)
def _border(labels: NDArray[np.int32], y: int, out: NDArray[np.int32]) -> None:
    """Write the labels of row ``y`` to ``out[1:-1]``, 0 where a pixel is not of a border.

    The row below the last is all 0.
    """
    height, width = labels.shape
    if 0 < y < height - 1:
        above, here, below = labels[y - 1], labels[y], labels[y + 1]
        for x in range(1, width - 1):
            label = here[x]
            inside = (
                (above[x] == label)
                & (below[x] == label)
                & (here[x - 1] == label)
                & (here[x + 1] == label)
            )
            out[x + 1] = 0 if inside else label
        out[1], out[width] = here[0], here[width - 1]
    else:
        for x in range(width):
            out[x + 1] = labels[y, x] if y < height else 0
