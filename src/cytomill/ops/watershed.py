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

import numba
import numpy as np
from numpy.typing import NDArray

from .runs import ROW, START, find_runs

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
    return np.asarray(
        _relief(
            maps[0],
            maps[1],
            maps[2],
            np.uint16(RELIEF_WEIGHT - centre),
            np.uint16(centre),
            max(1, _steps(255, how.foreground)),
        )
    )


def divide(relief: NDArray[np.uint16], how: Watershed) -> Segments:
    """Divide ``relief`` (y, x), 0 outside the foreground, else 1..4081, into its hills."""
    labels, peaks = _divide(
        np.ascontiguousarray(relief),
        _steps(_LEVELS - 1, how.peak),
        max(1, _steps(_LEVELS - 1, how.persistence)),  # 1 makes a plateau one hill
        how.area,
    )
    return Segments(labels, peaks)


def _steps(top: int, share: float) -> int:
    """The least whole number that is at least ``share`` of ``top``; rounding errors aside."""
    return int(np.ceil(top * share - 1e-6))


@numba.njit(nogil=True, cache=True)
def _relief(
    foreground: NDArray[np.uint8],
    distance: NDArray[np.uint8],
    centre: NDArray[np.uint8],
    distance_weight: np.uint16,
    centre_weight: np.uint16,
    least_foreground: int,
) -> NDArray[np.uint16]:
    """`relief`, blurred by 1 2 1 along rows and columns; edges go on as they end.

    Without the blur every tenth pixel is a summit of its own: maps are noisy in their last bit.
    All sums fit 16 bits, and every loop is one that a compiler makes vector code of.
    """
    height, width = foreground.shape
    out = np.empty((height, width), np.uint16)
    two, eight, four = np.uint16(2), np.uint16(8), np.uint16(4)
    mean = np.empty(width + 2, np.uint16)
    left, here, right = mean[:-2], mean[1:-1], mean[2:]
    rows = np.empty((3, width), np.uint16)
    for y in range(height + 1):
        if y < height:
            for x in range(width):
                here[x] = distance[y, x] * distance_weight + centre[y, x] * centre_weight
            mean[0], mean[-1] = here[0], here[-1]
            row = rows[y % 3]
            for x in range(width):
                row[x] = left[x] + two * here[x] + right[x]
        if y > 0:
            above, row, below = (
                rows[max(y - 2, 0) % 3],
                rows[(y - 1) % 3],
                rows[min(y, height - 1) % 3],
            )
            for x in range(width):
                blurred = np.uint16(above[x] + two * row[x] + below[x] + eight) >> four
                out[y - 1, x] = blurred + 1 if foreground[y - 1, x] >= least_foreground else 0
    return out


@numba.njit(nogil=True, cache=True)
def _uphill(relief: NDArray[np.uint16]) -> NDArray[np.int32]:
    """For every pixel its highest neighbour, or itself; int32 (y * x,), 0 outside.

    Of equal neighbours the first in raster order is the higher, so a plateau is climbed towards its
    first pixel.
    """
    height, width = relief.shape
    out = np.empty((height, width), np.int32)
    eight, seven = np.uint16(8), np.uint16(7)
    # Three rows at a time, in a frame that is lower than all. A pixel's relief and its rank among
    # equals make one number: a maximum of five takes no branch, and branches that noise decides
    # are what this would spend its time on.
    rows = np.zeros((3, width + 2), np.uint16)
    for y in range(height + 1):
        below = rows[y % 3, 1:-1]
        for x in range(width):
            below[x] = relief[y, x] * eight if y < height else 0
        if y == 0:
            continue
        above, row = rows[(y + 1) % 3, 1:-1], rows[(y + 2) % 3]
        left, here, right = row[:-2], row[1:-1], row[2:]
        first = np.int32((y - 1) * width)
        for x in range(width):
            highest = max(np.uint16(above[x] | 4), np.uint16(left[x] | 3))
            highest = max(highest, np.uint16(here[x] | 2))
            highest = max(highest, np.uint16(right[x] | 1))
            rank = np.int32(max(highest, below[x]) & seven)
            step = 2 - rank  # right, here or left
            if rank == 4:
                step = -width
            elif rank == 0:
                step = width
            out[y - 1, x] = first + x + step if here[x] > 0 else 0
    return out.ravel()


@numba.njit(nogil=True, cache=True)
def _climb(
    hill: NDArray[np.int32], stretches: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Number the hills from 1 in raster order of their first pixels.

    ``hill`` is of `_uphill`; there every pixel of hill i becomes -i. Returns for each hill its
    summit and its area, index 0 unused.
    """
    # Once there and once back, and nearly every pixel points to its summit; no branch was taken.
    pixels = 0
    for i in range(len(stretches)):
        pixels += stretches[i, 1] - stretches[i, 0]
        for pixel in range(stretches[i, 0], stretches[i, 1]):
            hill[pixel] = hill[hill[pixel]]
    for i in range(len(stretches) - 1, -1, -1):
        for pixel in range(stretches[i, 1] - 1, stretches[i, 0] - 1, -1):
            hill[pixel] = hill[hill[pixel]]
    summits = np.empty(pixels + 1, np.int32)
    area = np.empty(pixels + 1, np.int32)
    hills = 0
    last = number = np.int32(-1)
    for i in range(len(stretches)):
        for pixel in range(stretches[i, 0], stretches[i, 1]):
            if hill[pixel] != last:
                last = number = hill[pixel]
                while number >= 0:
                    if hill[number] == number:
                        hills += 1
                        summits[hills], area[hills] = number, 0
                        hill[number] = -hills
                    number = hill[number]
            hill[pixel] = number
            area[-number] += 1
    return summits[: hills + 1], area[: hills + 1]


@numba.njit(nogil=True, cache=True)
def _merge(
    relief: NDArray[np.uint16],
    hill: NDArray[np.int32],
    stretches: NDArray[np.int64],
    summits: NDArray[np.int32],
    persistence: int,
) -> NDArray[np.int32]:
    """Join hills across their passes, from the highest pass down; for each the hill it is part of.

    Of two hills the older has the higher summit or, of equal ones, the one first in raster order.
    """
    flat = relief.ravel()
    passes = _passes(relief, hill, stretches, summits, persistence)
    start = np.zeros(_LEVELS + 1, np.int32)
    for i in range(len(passes)):
        start[_LEVELS + 1 - passes[i, 2]] += 1
    for level in range(_LEVELS):
        start[level + 1] += start[level]
    order = np.empty(len(passes), np.int32)
    for i in range(len(passes)):
        bucket = _LEVELS - passes[i, 2]
        order[start[bucket]] = i
        start[bucket] += 1
    parent = np.arange(len(summits)).astype(np.int32)
    for index in order:
        height = passes[index, 2]
        one, two = _root(parent, passes[index, 0]), _root(parent, passes[index, 1])
        if one == two:
            continue
        rise = np.int64(flat[summits[one]]) - np.int64(flat[summits[two]])
        if rise < 0 or (rise == 0 and summits[two] < summits[one]):
            one, two = two, one
        if flat[summits[two]] - height < persistence:
            parent[two] = one
    for number in range(len(parent)):
        parent[number] = _root(parent, number)
    return parent


@numba.njit(nogil=True, cache=True)
def _passes(
    relief: NDArray[np.uint16],
    hill: NDArray[np.int32],
    stretches: NDArray[np.int64],
    summits: NDArray[np.int32],
    persistence: int,
) -> NDArray[np.int32]:
    """Where two hills meet, in raster order: int32 (n, 3), the hills and the height.

    Left out are passes so low that both hills stay whatever they have absorbed by then.
    """
    flat, width = relief.ravel(), relief.shape[1]
    last_row = flat.size - width
    out = np.empty((2 * flat.size, 3), np.int32)
    count = 0
    for i in range(len(stretches)):
        start, stop = stretches[i]
        for pixel in range(start, stop):
            here = hill[pixel]
            right = hill[pixel + 1] if pixel + 1 < stop else here
            below = hill[pixel + width] if pixel < last_row else here
            if right == here and (below == here or below >= 0):
                continue
            for there, step in ((right, 1), (below, width)):
                if there == here or there >= 0:
                    continue
                height = min(flat[pixel], flat[pixel + step])
                if min(flat[summits[-here]], flat[summits[-there]]) < height + persistence:
                    out[count, 0], out[count, 1], out[count, 2] = -here, -there, height
                    count += 1
    return out[:count]


@numba.njit(nogil=True, cache=True)
def _root(parent: NDArray[np.int32], hill: int) -> int:
    root = hill
    while parent[root] != root:
        root = parent[root]
    while parent[hill] != root:
        parent[hill], hill = root, parent[hill]
    return root


@numba.njit(nogil=True, cache=True)
def _divide(
    relief: NDArray[np.uint16], least_peak: int, persistence: int, least_area: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    height, width = relief.shape
    # The foreground in raster order: each stretch of a row as its first pixel and the one past its
    # end, counted through the image.
    runs = find_runs(relief > 0)
    stretches = runs[:, ROW : ROW + 1] * width + runs[:, START:]
    # One array is by turns the way up, the hill and the label of each pixel.
    labels = _uphill(relief)
    summits, area = _climb(labels, stretches)
    whole = _merge(relief, labels, stretches, summits, persistence)
    for hill in range(1, len(whole)):
        if whole[hill] != hill:
            area[whole[hill]] += area[hill]
    label = np.full(len(whole), -1, np.int32)
    peaks = np.empty((len(whole), 2), np.int32)
    kept = 0
    for hill in range(1, len(whole)):
        nucleus = whole[hill]
        if label[nucleus] < 0:
            y, x = summits[nucleus] // width, summits[nucleus] % width
            label[nucleus] = 0
            if area[nucleus] >= least_area and relief[y, x] > least_peak:
                peaks[kept, 0], peaks[kept, 1] = y, x
                kept += 1
                label[nucleus] = kept
        label[hill] = label[nucleus]
    for i in range(len(stretches)):
        for pixel in range(stretches[i, 0], stretches[i, 1]):
            labels[pixel] = label[-labels[pixel]]
    return labels.reshape(height, width), peaks[:kept].copy()
