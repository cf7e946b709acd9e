"""Connected pieces of labelled objects."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def pieces(labels: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """Number the connected pieces of each object of ``labels`` (y, x), integers, 0 is background.

    Pixels of one label that touch, corners included, are one piece. Pieces are numbered from 1 in
    the order of their first pixels. Returns them, (y, x), and their number.
    """
    return _pieces(np.ascontiguousarray(labels, np.int64))


@numba.njit(nogil=True, cache=True)
def _root(parent: NDArray[np.int32], piece: int) -> int:
    while parent[piece] != piece:
        parent[piece] = parent[parent[piece]]
        piece = parent[piece]
    return piece


@numba.njit(nogil=True, cache=True)
def _pieces(labels: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    height, width = labels.shape
    out = np.zeros((height, width), np.int32)
    parent = np.zeros(height * width + 1, np.int32)
    last = 0
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label == 0:
                continue
            own = 0
            for dy, dx in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
                i, j = y + dy, x + dx
                if i < 0 or j < 0 or j >= width or labels[i, j] != label:
                    continue
                other = _root(parent, out[i, j])
                if own == 0:
                    own = other
                elif own != other:
                    low, high = min(own, other), max(own, other)
                    parent[high] = low
                    own = low
            if own == 0:
                last += 1
                parent[last] = last
                own = last
            out[y, x] = own
    number = np.zeros(last + 1, np.int32)
    count = 0
    for piece in range(1, last + 1):
        root = _root(parent, piece)
        if root == piece:
            count += 1
            number[piece] = count
        else:
            number[piece] = number[root]
    for y in range(height):
        for x in range(width):
            out[y, x] = number[out[y, x]]
    return out, count
