"""From maps of nuclei to labels: a watershed whose seeds are chosen by persistence.

The Kiosk's deep watershed finds seeds by h-maxima, then floods from them: two passes, the first of
which takes seconds. Both are one computation. Every pixel climbs to its highest neighbour until it
stands on a summit: that divides the foreground into hills. Then passes between hills are visited
from the highest down: where two hills meet, the lower one is absorbed if it rises less than ``h``
above the pass (its *persistence*), and else the pass becomes a border. What is left are exactly the
hills that h-maxima would have kept. Passes are few and relief has 12 bits, so a counting sort
orders them, and time is linear in the number of foreground pixels.

Persistence-based clustering: Chazal, Guibas, Oudot and Skraba, J. ACM 60(6), 2013.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

#: Weights of the two distance maps add up to this, so that relief spans 0..4080.
RELIEF_WEIGHT = 16

_LEVELS = RELIEF_WEIGHT * 255 + 1


@dataclass(frozen=True, slots=True)
class Watershed:
    """How maps become labels.

    ``foreground`` is the least value of the foreground map inside a nucleus, ``peak`` the least
    relief at a nucleus' highest point and ``persistence`` the least rise of a nucleus above its
    passes to neighbours, all in 0..1. ``centre`` in 0..1 is the share of the centre map in the
    relief; the rest is the distance map. ``area`` is the least area of a nucleus in pixels.
    """

    foreground: float = 0.5
    peak: float = 0.4
    persistence: float = 0.1
    centre: float = 0.5
    area: int = 12


@dataclass(frozen=True, slots=True)
class Segments:
    """``labels``: int32 (y, x), ids 1..n in raster order of the nuclei's first pixels.

    ``peaks``: int32 (n, 2), the (y, x) of the highest point of each nucleus.
    """

    labels: NDArray[np.int32]
    peaks: NDArray[np.int32]


def watershed(maps: NDArray[np.uint8], how: Watershed) -> Segments:
    """Label the nuclei in ``maps``: uint8 (3, y, x), foreground, distance and centre as 0..255."""
    return divide(relief(maps, how), how)


def relief(maps: NDArray[np.uint8], how: Watershed) -> NDArray[np.uint16]:
    """The landscape of ``maps`` that `divide` takes: uint16 (y, x).

    Outside the foreground it is 0, inside 1 plus the weighted mean of distance and centre, 0..4080.
    """
    centre = round(RELIEF_WEIGHT * how.centre)
    mean = cv2.addWeighted(maps[1], RELIEF_WEIGHT - centre, maps[2], centre, 0, dtype=cv2.CV_16U)
    # Without this every tenth pixel is a summit of its own: maps are noisy in their last bit.
    mean = cv2.GaussianBlur(mean, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    inside = maps[0] >= max(1, _steps(255, how.foreground))
    return np.where(inside, mean + np.uint16(1), np.uint16(0))


def divide(relief: NDArray[np.uint16], how: Watershed) -> Segments:
    """Divide ``relief`` (y, x), 0 outside the foreground, else 1..4081, into its hills."""
    labels, peaks = _divide(
        relief,
        _steps(_LEVELS - 1, how.peak),
        max(1, _steps(_LEVELS - 1, how.persistence)),  # 1 makes a plateau one hill
        how.area,
    )
    return Segments(labels, peaks)


def _steps(top: int, share: float) -> int:
    """The least whole number that is at least ``share`` of ``top``; rounding errors aside."""
    return int(np.ceil(top * share - 1e-6))


@numba.njit(nogil=True, cache=True)
def _root(parent: NDArray[np.int32], pixel: int) -> int:
    root = pixel
    while parent[root] != root:
        root = parent[root]
    while parent[pixel] != root:
        parent[pixel], pixel = root, parent[pixel]
    return root


@numba.njit(nogil=True, cache=True)
def _climb(relief: NDArray[np.uint16], inside: NDArray[np.int32], stride: int) -> NDArray[np.int32]:
    """For every pixel the summit it climbs to; -1 outside.

    Of equal neighbours the first in raster order is the higher, so a plateau is climbed towards its
    first pixel. Relief is 0 outside and more inside: nothing climbs outside.
    """
    steps = (stride, 1, 0, -1, -stride)
    parent = np.full(relief.size, -1, np.int32)
    for i in range(inside.size):
        p = inside[i]
        # A neighbour's relief and its rank among equals in one number: the maximum of five takes
        # no branch, and branches that noise decides are what this would spend its time on.
        up, left = np.int64(relief[p - stride]) << 3 | 4, np.int64(relief[p - 1]) << 3 | 3
        right, down = np.int64(relief[p + 1]) << 3 | 1, np.int64(relief[p + stride]) << 3
        here = np.int64(relief[p]) << 3 | 2
        parent[p] = p + steps[max(max(max(up, left), max(right, down)), here) & 7]
    for i in range(inside.size):
        parent[inside[i]] = _root(parent, inside[i])
    return parent


@numba.njit(nogil=True, cache=True)
def _merge(
    relief: NDArray[np.uint16],
    parent: NDArray[np.int32],
    inside: NDArray[np.int32],
    stride: int,
    persistence: int,
) -> None:
    """Join hills across their passes, from the highest pass down."""
    pixels = np.empty(2 * inside.size, np.int32)
    others = np.empty(2 * inside.size, np.int32)
    start = np.zeros(_LEVELS + 1, np.int32)
    count = 0
    for i in range(inside.size):
        pixel = inside[i]
        for step in (1, stride):
            neighbour = pixel + step
            if parent[neighbour] >= 0 and parent[neighbour] != parent[pixel]:
                pixels[count], others[count] = pixel, neighbour
                count += 1
                start[_LEVELS + 1 - min(relief[pixel], relief[neighbour])] += 1
    for level in range(_LEVELS):
        start[level + 1] += start[level]
    order = np.empty(count, np.int32)
    for i in range(count):
        bucket = _LEVELS - min(relief[pixels[i]], relief[others[i]])
        order[start[bucket]] = i
        start[bucket] += 1
    for i in range(count):
        a, b = pixels[order[i]], others[order[i]]
        height = min(relief[a], relief[b])
        one, two = _root(parent, a), _root(parent, b)
        if one == two:
            continue
        # The older hill has the higher summit or, of equal ones, the one first in raster order.
        if relief[two] > relief[one] or (relief[two] == relief[one] and two < one):
            one, two = two, one
        if relief[two] - height < persistence:
            parent[two] = one


@numba.njit(nogil=True, cache=True)
def _divide(
    heights: NDArray[np.uint16],
    least_peak: int,
    persistence: int,
    least_area: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    height, width = heights.shape
    # A frame of one pixel on each side spares every neighbour a bounds check.
    stride = width + 2
    relief = np.zeros((height + 2) * stride, np.uint16)
    inside = np.empty(height * width, np.int32)  # foreground pixels in raster order
    first = np.zeros(height + 1, np.int32)  # where each row begins in `inside`
    count = 0
    for y in range(height):
        row = (y + 1) * stride + 1
        for x in range(width):
            if heights[y, x] > 0:
                relief[row + x] = heights[y, x]
                inside[count] = row + x
                count += 1
        first[y + 1] = count
    inside = inside[:count]

    summit = _climb(relief, inside, stride)
    _merge(relief, summit, inside, stride, persistence)

    hill = np.empty(relief.size, np.int32)  # the number of the hill, at its summit only
    for i in range(count):
        if summit[inside[i]] == inside[i]:
            hill[inside[i]] = -1
    area = np.zeros(count + 1, np.int32)
    summits = np.empty(count + 1, np.int32)
    hills = 0
    for i in range(count):
        top = _root(summit, inside[i])
        summit[inside[i]] = top
        if hill[top] < 0:
            hill[top] = hills
            summits[hills] = top
            hills += 1
        area[hill[top]] += 1
    label = np.zeros(hills + 1, np.int32)
    peaks = np.empty((hills, 2), np.int32)
    kept = 0
    for number in range(hills):
        top = summits[number]
        if area[number] >= least_area and relief[top] > least_peak:
            peaks[kept, 0] = top // stride - 1
            peaks[kept, 1] = top % stride - 1
            kept += 1
            label[number] = kept
    labels = np.zeros((height, width), np.int32)
    for y in range(height):
        row = (y + 1) * stride + 1
        for i in range(first[y], first[y + 1]):
            labels[y, inside[i] - row] = label[hill[summit[inside[i]]]]
    return labels, peaks[:kept].copy()
