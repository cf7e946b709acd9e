"""The model's grid: an image resampled to a model's pixel size, and its tiles.

Pixels are areas, not points: pixel ``i`` of the model's grid covers ``[i, i + 1) / scale`` of the
image's. Every tile is a rectangle of one and the same grid, so a pixel of the grid has the same
value whichever tile it is computed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

#: Weights that differ by no more are the same: they are sums of rounded products.
_TIE = 1e-5


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels: rows y0 to y1, columns x0 to x1, the last ones excluded."""

    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) in pixels."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle as an index: ``plane[box.slices]``."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grown(self, margin: int, shape: tuple[int, int]) -> Box:
        """The box with ``margin`` pixels more on each side, kept inside ``shape`` (y, x)."""
        return Box(
            max(self.y0 - margin, 0),
            max(self.x0 - margin, 0),
            min(self.y1 + margin, shape[0]),
            min(self.x1 + margin, shape[1]),
        )

    def holds(self, points: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of ``points`` (n, 2), (y, x) each, lie inside."""
        y, x = points[:, 0], points[:, 1]
        inside: NDArray[np.bool_] = (y >= self.y0) & (y < self.y1) & (x >= self.x0) & (x < self.x1)
        return inside


@dataclass(frozen=True, slots=True)
class Grid:
    """A model's grid over a plane of ``shape`` (y, x): ``scale`` of its pixels per image pixel."""

    shape: tuple[int, int]
    scale: tuple[float, float] = (1.0, 1.0)

    @property
    def model_shape(self) -> tuple[int, int]:
        """(y, x) of the plane on the model's grid: at least one pixel."""
        y, x = (max(1, round(n * s)) for n, s in zip(self.shape, self.scale, strict=True))
        return y, x

    @property
    def exact(self) -> bool:
        """Whether the model's grid is the image's own."""
        return self.scale == (1.0, 1.0)

    def tiles(self, size: int, stride: int) -> Iterator[Box]:
        """Rectangles of the model's grid that cover it once, row by row.

        Their edges are ``size`` or less, evened out, and begin at multiples of ``stride``.
        """
        rows, columns = (_cuts(extent, size, stride) for extent in self.model_shape)
        for y0, y1 in pairwise(rows):
            for x0, x1 in pairwise(columns):
                yield Box(y0, x0, y1, x1)

    def on_image(self, box: Box, margin: int = 0) -> Box:
        """The image pixels under a rectangle of the model's grid, ``margin`` more on each side."""
        sy, sx = self.scale
        height, width = self.model_shape
        outer = Box(
            int(np.floor(box.y0 / sy)),
            int(np.floor(box.x0 / sx)),
            self.shape[0] if box.y1 >= height else int(np.ceil(box.y1 / sy)),
            self.shape[1] if box.x1 >= width else int(np.ceil(box.x1 / sx)),
        )
        return outer.grown(margin, self.shape)

    def cell(self, box: Box) -> Box:
        """The image pixels that belong to a rectangle of the model's grid.

        Unlike `on_image`, cells of rectangles that cover the grid once cover the image once.
        """
        (sy, sx), (height, width) = self.scale, self.model_shape
        return Box(
            round(box.y0 / sy),
            round(box.x0 / sx),
            self.shape[0] if box.y1 >= height else round(box.y1 / sy),
            self.shape[1] if box.x1 >= width else round(box.x1 / sx),
        )

    @property
    def margin(self) -> int:
        """Image pixels beyond a rectangle that `to_model` needs to compute all of it."""
        return int(np.ceil(4 * max(self._blur()) + 2)) if not self.exact else 0

    def _blur(self) -> tuple[float, float]:
        """Standard deviations (y, x), in image pixels, of the filter before coarser sampling."""
        y, x = (0.5 * np.sqrt(max(1 / s**2 - 1, 0)) for s in self.scale)
        return float(y), float(x)

    def to_model(self, pixels: NDArray[np.float32], at: Box, box: Box) -> NDArray[np.float32]:
        """Resample ``pixels``, the image's rectangle ``at``, to the model grid's ``box``.

        Linear between pixel centres, after a Gaussian that keeps fine structure from aliasing
        where the model's grid is coarser.
        """
        if self.exact:
            return pixels[box.y0 - at.y0 : box.y1 - at.y0, box.x0 - at.x0 : box.x1 - at.x0]
        by, bx = self._blur()
        if max(by, bx) > 0:
            import cv2  # only those who have finer images than the model should wait for it

            pixels = cv2.GaussianBlur(
                pixels,
                (0, 0),
                sigmaX=max(bx, 1e-3),
                sigmaY=max(by, 1e-3),
                borderType=cv2.BORDER_REFLECT,
            )
        return _resample(pixels, self.scale, (at.y0, at.x0), (box.y0, box.x0), box.shape)

    def to_image(self, maps: NDArray[np.uint8], at: Box, box: Box) -> NDArray[np.uint8]:
        """Resample ``maps`` (c, y, x), the model grid's ``at``, to the image's ``box``."""
        inverse = (1 / self.scale[0], 1 / self.scale[1])
        origin, corner = (at.y0, at.x0), (box.y0, box.x0)
        return np.stack([_resample(m, inverse, origin, corner, box.shape) for m in maps])

    def labels_to_image(self, labels: NDArray[np.int32], at: Box, box: Box) -> NDArray[np.int32]:
        """Labels of the model grid's rectangle ``at`` on the image's ``box``.

        A pixel gets the label that is the largest there when each is interpolated linearly. The
        nearest pixel would shift all labels of a grid that is twice as fine: centres of the image's
        pixels lie on borders of its own.
        """
        rows, columns = (
            _places(low, high - low, 1 / scale, first, extent)
            for low, high, scale, first, extent in (
                (box.y0, box.y1, self.scale[0], at.y0, labels.shape[0]),
                (box.x0, box.x1, self.scale[1], at.x0, labels.shape[1]),
            )
        )
        return np.asarray(_elect(np.ascontiguousarray(labels), *rows, *columns))


def _cuts(extent: int, size: int, stride: int) -> list[int]:
    pieces = max(1, -(-extent // size))
    cuts = [round(extent * i / pieces / stride) * stride for i in range(pieces)]
    return [*cuts, extent]


def _resample(
    pixels: NDArray[Any],
    scale: tuple[float, float],
    origin: tuple[int, int],
    corner: tuple[int, int],
    shape: tuple[int, int],
) -> NDArray[Any]:
    """Linear interpolation of ``pixels`` (first pixel at ``origin``) on a grid ``scale`` as fine.

    Returns the ``shape`` (y, x) pixels of that grid from ``corner`` on. Beyond the edges the
    nearest pixel counts. OpenCV's own warp rounds positions to 1/32 pixel relative to the array it
    is given, which would make neighbouring tiles disagree.
    """
    rows, columns = (
        _places(corner[i], shape[i], scale[i], origin[i], pixels.shape[i]) for i in (0, 1)
    )
    rounding = np.float32(0.5 if pixels.dtype.kind == "u" else 0)
    return _interpolate(np.ascontiguousarray(pixels), *rows, *columns, rounding)


def _places(
    corner: int, count: int, scale: float, origin: int, extent: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each output pixel along an axis: the input pixel before it, and how far it is past it."""
    place = (np.arange(corner, corner + count) + 0.5) / scale - 0.5 - origin
    place = np.clip(place, 0, extent - 1)
    first = np.clip(np.floor(place).astype(np.int64), 0, max(extent - 2, 0))
    return first, (place - first).astype(np.float32)


@numba.njit(nogil=True, cache=True)
def _interpolate(
    pixels: NDArray[Any],
    rows: NDArray[np.int64],
    down: NDArray[np.float32],
    columns: NDArray[np.int64],
    right: NDArray[np.float32],
    rounding: np.float32,
) -> NDArray[Any]:
    out = np.empty((rows.size, columns.size), pixels.dtype)
    last_row, last_column = pixels.shape[0] - 1, pixels.shape[1] - 1
    for i in range(rows.size):
        y0 = rows[i]
        y1 = min(y0 + 1, last_row)
        v = down[i]
        for j in range(columns.size):
            x0 = columns[j]
            x1 = min(x0 + 1, last_column)
            u = right[j]
            above = pixels[y0, x0] + u * (np.float32(pixels[y0, x1]) - pixels[y0, x0])
            below = pixels[y1, x0] + u * (np.float32(pixels[y1, x1]) - pixels[y1, x0])
            out[i, j] = np.float32(above + v * (below - above) + rounding)
    return out


@numba.njit(nogil=True, cache=True)
def _elect(
    labels: NDArray[np.int32],
    rows: NDArray[np.int64],
    down: NDArray[np.float32],
    columns: NDArray[np.int64],
    right: NDArray[np.float32],
) -> NDArray[np.int32]:
    """For each output pixel the label with the most weight among the four pixels around it.

    Where several have as much, it is the first of them that is not the background: which labels
    there are, and not how they are numbered, decides.
    """
    out = np.empty((rows.size, columns.size), labels.dtype)
    last_row, last_column = labels.shape[0] - 1, labels.shape[1] - 1
    near = np.empty(4, labels.dtype)
    weight = np.empty(4, np.float32)
    for i in range(rows.size):
        y0 = rows[i]
        y1 = min(y0 + 1, last_row)
        v = down[i]
        for j in range(columns.size):
            x0 = columns[j]
            x1 = min(x0 + 1, last_column)
            near[0], near[1] = labels[y0, x0], labels[y0, x1]
            near[2], near[3] = labels[y1, x0], labels[y1, x1]
            if near[0] == near[1] and near[0] == near[2] and near[0] == near[3]:
                out[i, j] = near[0]
                continue
            u = right[j]
            weight[0], weight[1] = (1 - v) * (1 - u), (1 - v) * u
            weight[2], weight[3] = v * (1 - u), v * u
            best, most = near[0], np.float32(0)
            for a in range(4):
                votes = np.float32(0)
                for b in range(4):
                    if near[b] == near[a]:
                        votes += weight[b]
                ahead = votes - most
                if ahead > _TIE or (ahead > -_TIE and best == 0 and near[a] != 0):
                    best, most = near[a], votes
            out[i, j] = best
    return out
