"""The area of convex hulls on the pixel grid, as scikit-image counts it.

A pixel counts as a diamond that reaches half a pixel up, down, left and right of its centre; the
convex area of an object is the number of pixel centres in the closed convex hull of its diamonds.
In half pixels every corner is an integer, so the count is exact.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from .runs import ROW, START, STOP


@numba.njit(nogil=True, cache=True)
def convex_areas(
    runs: NDArray[np.int32], first: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Pixels in the convex hull of each object; ``runs`` and ``first`` are of `runs.group_runs`.

    Returns int64 (count + 1,), index 0 unused, 0 for absent objects.
    """
    areas = np.zeros(count + 1, np.int64)
    longest = 0
    for label in range(1, count + 1):
        longest = max(longest, first[label + 1] - first[label])
    centres = np.empty((longest, 2), np.int64)
    chains = np.empty((2, longest + 3, 2), np.int64)
    corners = np.zeros(2, np.int64)
    for label in range(1, count + 1):
        start, stop = first[label], first[label + 1]
        if start == stop:
            continue
        for i in range(2):
            side = 2 * i - 1
            found = _chain(runs, start, stop, side, centres)
            corners[i] = _widen(centres, found, side, chains[i])
        areas[label] = _between(
            chains[0, : corners[0]], chains[1, : corners[1]], runs[start, ROW], runs[stop - 1, ROW]
        )
    return areas


@numba.njit(nogil=True, cache=True)
def _chain(
    runs: NDArray[np.int32], start: int, stop: int, side: int, chain: NDArray[np.int64]
) -> int:
    """Write one side of the hull of an object's pixel centres to ``chain``, from the top down.

    ``side`` is -1 for left and 1 for right; returns the number of corners (y, x). Andrew's
    monotone chain, Inf. Process. Lett. 9, 1979.
    """
    n = 0
    for i in range(start, stop):
        y = runs[i, ROW]
        if side < 0:
            if i > start and runs[i - 1, ROW] == y:
                continue
            x = runs[i, START]
        else:
            if i + 1 < stop and runs[i + 1, ROW] == y:
                continue
            x = runs[i, STOP] - 1
        while n >= 2:
            ay, ax = chain[n - 2, 0], chain[n - 2, 1]
            by, bx = chain[n - 1, 0], chain[n - 1, 1]
            if side * ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) > 0:
                break
            n -= 1
        chain[n, 0] = y
        chain[n, 1] = x
        n += 1
    return n


@numba.njit(nogil=True, cache=True)
def _widen(centres: NDArray[np.int64], corners: int, side: int, chain: NDArray[np.int64]) -> int:
    """Write the hull of the diamonds to ``chain`` in half pixels; returns the number of corners.

    It is the Minkowski sum of the hull of the centres and one diamond: the edges of both, in the
    order of their slopes. A diamond has two on this side: outward at 45° and inward at 45°.
    """
    y, x = 2 * centres[0, 0] - 1, 2 * centres[0, 1]
    chain[0, 0], chain[0, 1] = y, x
    n = 1
    slope = 1
    for i in range(corners):
        if i + 1 < corners:
            down = 2 * (centres[i + 1, 0] - centres[i, 0])
            out = 2 * side * (centres[i + 1, 1] - centres[i, 1])
        else:
            down, out = 1, -2  # steeper than both, so that both are written by now
        while slope >= -1 and out < slope * down:
            y, x = y + 1, x + side * slope
            chain[n, 0], chain[n, 1] = y, x
            n += 1
            slope -= 2
        if i + 1 < corners:
            y, x = y + down, x + side * out
            chain[n, 0], chain[n, 1] = y, x
            n += 1
    return n


@numba.njit(nogil=True, cache=True)
def _between(left: NDArray[np.int64], right: NDArray[np.int64], top: int, bottom: int) -> int:
    """Count the pixel centres of rows ``top`` to ``bottom`` on or between two chains."""
    pixels = 0
    i = j = 1
    for row in range(top, bottom + 1):
        y = 2 * row
        while left[i, 0] < y:
            i += 1
        while right[j, 0] < y:
            j += 1
        height = left[i, 0] - left[i - 1, 0]
        x = left[i - 1, 1] * height + (left[i, 1] - left[i - 1, 1]) * (y - left[i - 1, 0])
        leftmost = -(-x // (2 * height))
        height = right[j, 0] - right[j - 1, 0]
        x = right[j - 1, 1] * height + (right[j, 1] - right[j - 1, 1]) * (y - right[j - 1, 0])
        pixels += x // (2 * height) - leftmost + 1
    return pixels
