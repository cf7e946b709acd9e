"""Outlines of labelled objects: the pixels on them, or polygons along the edges of pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from .runs import boxes

#: A polygon: its outer ring, then its holes; each int32 (n, 2) as x, y, the first point repeated.
Polygon = list[NDArray[np.int32]]


def boundaries(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """The pixels of objects that have another object or background beside, above or below them.

    ``labels`` is an integer image (y, x); the result a bool one. The edge of the image is no
    boundary.
    """
    return np.asarray(_boundaries(np.ascontiguousarray(labels, np.int32)))


def polygons(labels: NDArray[Any]) -> Iterator[tuple[int, list[Polygon]]]:
    """The outline of each object of an integer image (y, x), in ascending order of ids.

    See `trace`.
    """
    labels = np.ascontiguousarray(labels, np.int32)
    for label, box in zip(*boxes(labels), strict=True):
        yield int(label), trace(labels, int(label), tuple(box.tolist()))


def trace(labels: NDArray[np.int32], label: int, box: tuple[int, int, int, int]) -> list[Polygon]:
    """The outline of one object: a polygon for each of its 4-connected pieces.

    ``labels`` is a contiguous int32 image (y, x) and ``box`` a rectangle y0, x0, y1, x1 in it that
    holds the object. Coordinates are those of pixel corners: the pixel at (y, x) is the square from
    (x, y) to (x + 1, y + 1). So a polygon's area is the number of its pixels, exactly. Only corners
    are listed. Outer rings have a positive area by the shoelace formula and holes a negative one
    (the winding of RFC 7946); no ring touches itself, as OGC Simple Features asks.
    """
    y0, x0, y1, x1 = box
    points, ends, areas = _trace(labels, label, y0, x0, y1, x1)
    rings = np.split(points + np.array((x0, y0), np.int32), ends[:-1])
    order = np.argsort(areas < 0, kind="stable")  # outer rings first
    if np.count_nonzero(areas > 0) == 1:
        return [[rings[i] for i in order]]
    pieces: dict[int, Polygon] = {}
    _, piece = cv2.connectedComponents((labels[y0:y1, x0:x1] == label).view(np.uint8), None, 4)
    for i in order:
        x, y = _pixel_beside(rings[i])
        pieces.setdefault(int(piece[y - y0, x - x0]), []).append(rings[i])
    return list(pieces.values())


def _pixel_beside(ring: NDArray[np.int32]) -> tuple[int, int]:
    """The (x, y) of a pixel of the object along the first edge of a ring.

    It lies to the right of the edge, as seen by one who walks along it on a screen (y down).
    """
    (x, y), (next_x, next_y) = ring[:2].tolist()
    left, up, down = next_x < x, next_y < y, next_y > y
    return x - (left or down), y - (left or up)


@numba.njit(nogil=True, cache=True)
def _boundaries(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    height, width = labels.shape
    out = np.empty((height, width), np.bool_)
    for y in range(height):
        here = labels[y]
        above, below = labels[max(y - 1, 0)], labels[min(y + 1, height - 1)]
        for x in range(width):
            out[y, x] = (here[x] != above[x]) | (here[x] != below[x])
        for x in range(1, width):
            out[y, x] |= here[x] != here[x - 1]
        for x in range(width - 1):
            out[y, x] |= here[x] != here[x + 1]
        for x in range(width):
            out[y, x] &= here[x] != 0
    return out


#: Where the pixel ahead on the right lies in the four around a corner, by direction of travel:
#: right, down, left, up. The pixel ahead on the left is that of the direction before.
_AHEAD_RIGHT = ((1, 1), (1, 0), (0, 0), (0, 1))
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


@numba.njit(nogil=True, cache=True)
def _trace(
    labels: NDArray[np.int32], label: int, y0: int, x0: int, y1: int, x1: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """The rings of one object: their points, where each ends, and twice its signed area.

    Points are (x, y) from the corner of the box.

    A ring is walked with the object on the right. Where two pixels of the object meet at a corner
    only, the walk keeps to its pixel, so that each ring bounds one 4-connected piece; when it comes
    to that corner again, the loop in between becomes a ring of its own.
    """
    height, width = y1 - y0, x1 - x0
    inside = np.zeros((height + 2, width + 2), np.uint8)
    for y in range(height):
        for x in range(width):
            inside[y + 1, x + 1] = labels[y0 + y, x0 + x] == label
    corners = 0
    for y in range(height + 1):
        for x in range(width + 1):
            pixels = inside[y, x] + inside[y, x + 1] + inside[y + 1, x] + inside[y + 1, x + 1]
            if pixels == 1 or pixels == 3:
                corners += 1
            elif pixels == 2 and inside[y, x] == inside[y + 1, x + 1]:
                corners += 2
    points = np.empty((corners + corners // 4, 2), np.int32)  # a ring has 4 corners at least
    ends = np.empty(corners // 4, np.int64)
    areas = np.empty(corners // 4, np.int64)
    rings = 0
    filled = 0
    seen = np.zeros((height + 1, width + 1), np.bool_)  # edges that run right from a corner
    met = np.full((height + 1, width + 1), -1, np.int32)  # touching corners: place in the walk
    walk = np.empty((corners, 2), np.int32)
    for top in range(height):
        for left in range(width):
            if seen[top, left] or inside[top, left + 1] or not inside[top + 1, left + 1]:
                continue
            y, x, direction, n = top, left, 0, 0
            while True:
                touching = (
                    inside[y, x] == inside[y + 1, x + 1]
                    and inside[y, x + 1] == inside[y + 1, x]
                    and inside[y, x] != inside[y, x + 1]
                )
                if touching and met[y, x] >= 0:
                    first = met[y, x]
                    filled, areas[rings] = _close(walk, first, n, points, filled, met)
                    ends[rings] = filled
                    rings += 1
                    n = first + 1
                else:
                    walk[n, 0], walk[n, 1] = y, x
                    n += 1
                if touching:
                    met[y, x] = n - 1
                while True:
                    if direction == 0:
                        seen[y, x] = True
                    y += _STEPS[direction][0]
                    x += _STEPS[direction][1]
                    before = (direction + 3) % 4
                    down, right = _AHEAD_RIGHT[direction]
                    if not inside[y + down, x + right]:
                        direction = (direction + 1) % 4
                        break
                    down, right = _AHEAD_RIGHT[before]
                    if inside[y + down, x + right]:
                        direction = before
                        break
                if y == top and x == left and direction == 0:
                    break
            filled, areas[rings] = _close(walk, 0, n, points, filled, met)
            ends[rings] = filled
            rings += 1
    return points[:filled], ends[:rings], areas[:rings]


@numba.njit(nogil=True, cache=True)
def _close(
    walk: NDArray[np.int32],
    first: int,
    n: int,
    points: NDArray[np.int32],
    filled: int,
    met: NDArray[np.int32],
) -> tuple[int, int]:
    """Move ``walk[first:n]`` to ``points`` as a closed ring; returns its end and twice its area."""
    area = 0
    for i in range(first, n + 1):
        place = i if i < n else first
        y, x = walk[place, 0], walk[place, 1]
        points[filled, 0], points[filled, 1] = x, y
        met[y, x] = -1
        if i > first:
            area += points[filled - 1, 0] * y - x * points[filled - 1, 1]
        filled += 1
    return filled, area
