"""What is measured of labelled objects: size, place, shape and brightness.

Names and definitions are scikit-image's (`skimage.measure.regionprops_table`), so that tables can
be compared and pooled with those of other tools. An object may consist of several pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .hull import convex_areas
from .perimeter import perimeters
from .runs import ROW, START, STOP, group_runs, label_runs

#: Properties of shape in table order, lengths in pixels; those of brightness follow per channel.
SHAPE = (
    "area",
    "bbox-0",
    "bbox-1",
    "bbox-2",
    "bbox-3",
    "centroid-0",
    "centroid-1",
    "equivalent_diameter_area",
    "axis_major_length",
    "axis_minor_length",
    "eccentricity",
    "orientation",
    "perimeter",
    "solidity",
    "extent",
)

#: Properties of brightness; each is followed by ``-`` and the channel.
INTENSITY = ("intensity_mean", "intensity_min", "intensity_max", "intensity_std")


def measure(
    labels: NDArray[Any], intensities: Sequence[NDArray[Any]], count: int
) -> dict[str, NDArray[Any]]:
    """Measure every object of one plane.

    ``labels`` is an integer image (y, x) with ids 1..``count``; ids that do not occur have no
    row. ``intensities`` are images (y, x) of bool, integers or floats, one per channel; NaN pixels
    are left out, and an object with no others has NaN.

    Returns equally long columns by name: ``label`` and ``bbox-*`` (y0, x0 and the first y1, x1
    outside) as int64, the rest of `SHAPE` and, for channel i, `INTENSITY` with ``-i`` as float64.
    Lengths are in pixels, ``orientation`` in radians from the y axis in -π/2..π/2.

    Raises ValueError where a label is not in 0..``count`` or the shapes differ.
    """
    if any(image.shape != labels.shape for image in intensities):
        raise ValueError("labels and intensities differ in shape")
    labels = np.ascontiguousarray(labels, np.int32)
    in_order = label_runs(labels)
    runs, first = group_runs(in_order, count)
    present = np.flatnonzero(np.diff(first))
    columns: dict[str, NDArray[Any]] = {"label": present}
    box = _boxes(runs, first, count)
    columns |= _shape(_moments(runs, first, box)[present], box[present])
    columns["perimeter"] = perimeters(labels, in_order, count)[present]
    columns["solidity"] = columns["area"] / convex_areas(runs, first, count)[present]
    columns = {name: columns[name] for name in ("label", *SHAPE)}
    for channel, image in enumerate(intensities):
        table = _brightness(_plain(image), runs, first, count)[present]
        columns |= {f"{name}-{channel}": table[:, i] for i, name in enumerate(INTENSITY)}
    return columns


def _shape(moments: NDArray[np.float64], box: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The properties that follow from what `_moments` and `_boxes` give for the same objects."""
    area, y, x, yy, xx, yx = moments.T
    y0, x0, y1, x1 = box.T
    y, x = y / area, x / area
    # Covariances of the pixel centres; the axes are those of the ellipse with the same ones.
    yy, xx, yx = yy / area - y * y, xx / area - x * x, yx / area - y * x
    major = (yy + xx) / 2 + np.hypot((yy - xx) / 2, yx)
    with np.errstate(invalid="ignore"):
        minor = np.nan_to_num(np.maximum(yy * xx - yx * yx, 0) / major)
        eccentricity = np.nan_to_num(np.sqrt(1 - minor / major))
    tilted = 0.5 * np.arctan2(2 * yx, yy - xx)
    diagonal = np.where(yx > 0, np.pi / 4, -np.pi / 4)
    return {
        "area": area,
        "bbox-0": y0,
        "bbox-1": x0,
        "bbox-2": y1,
        "bbox-3": x1,
        "centroid-0": y0 + y,
        "centroid-1": x0 + x,
        "equivalent_diameter_area": np.sqrt(4 * area / np.pi),
        "axis_major_length": 4 * np.sqrt(major),
        "axis_minor_length": 4 * np.sqrt(minor),
        "eccentricity": eccentricity,
        "orientation": np.where(yy == xx, diagonal, tilted),
        "extent": area / ((y1 - y0) * (x1 - x0)),
    }


def _plain(image: NDArray[Any]) -> NDArray[Any]:
    """The image in a layout and type that the compiled loops know; a copy only where it is not."""
    kind = image.dtype.newbyteorder("=")
    if kind == np.bool_:
        image, kind = image.view(np.uint8), np.dtype(np.uint8)
    elif kind == np.float16:
        kind = np.dtype(np.float32)
    # Each combination of type, layout and writability would be compiled anew.
    return np.require(image, kind, ["C", "W", "A"])


@numba.njit(nogil=True, cache=True)
def _boxes(runs: NDArray[np.int32], first: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Per label: y0, x0, y1, x1; int64 (count + 1, 4), rows of absent labels are 0."""
    out = np.zeros((count + 1, 4), np.int64)
    for label in range(1, count + 1):
        start, stop = first[label], first[label + 1]
        if start == stop:
            continue
        left, right = runs[start, START], runs[start, STOP]
        for i in range(start + 1, stop):
            left = min(left, runs[i, START])
            right = max(right, runs[i, STOP])
        out[label, 0], out[label, 2] = runs[start, ROW], runs[stop - 1, ROW] + 1
        out[label, 1], out[label, 3] = left, right
    return out


@numba.njit(nogil=True, cache=True)
def _moments(
    runs: NDArray[np.int32], first: NDArray[np.int64], boxes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Per label: area and the sums of y, x, y², x² and yx, from the corner of the object's box.

    float64 (count + 1, 6), rows of absent labels are 0.
    """
    out = np.zeros((len(boxes), 6), np.float64)
    for label in range(1, len(boxes)):
        sums = out[label]
        top, left = boxes[label, 0], boxes[label, 1]
        for i in range(first[label], first[label + 1]):
            y = float(runs[i, ROW] - top)
            a, b = float(runs[i, START] - left), float(runs[i, STOP] - left - 1)
            n = b - a + 1
            x = n * (a + b) / 2
            sums[0] += n
            sums[1] += n * y
            sums[2] += x
            sums[3] += n * y * y
            sums[4] += (b * (b + 1) * (2 * b + 1) - (a - 1) * a * (2 * a - 1)) / 6
            sums[5] += x * y
    return out


@numba.njit(nogil=True, cache=True)
def _brightness(
    image: NDArray[Any], runs: NDArray[np.int32], first: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Per label: mean, least, greatest and standard deviation; NaN where there is no number.

    float64 (count + 1, 4). Deviations are summed in a second pass: squares would cancel.
    """
    out = np.full((count + 1, 4), np.nan)
    for label in range(1, count + 1):
        pixels = 0
        total = 0.0
        least, greatest = np.inf, -np.inf
        for i in range(first[label], first[label + 1]):
            row = image[runs[i, ROW]]
            for x in range(runs[i, START], runs[i, STOP]):
                value = float(row[x])
                if value == value:
                    pixels += 1
                    total += value
                    least = min(least, value)
                    greatest = max(greatest, value)
        if pixels == 0:
            continue
        mean = total / pixels
        squares = 0.0
        for i in range(first[label], first[label + 1]):
            row = image[runs[i, ROW]]
            for x in range(runs[i, START], runs[i, STOP]):
                value = float(row[x])
                if value == value:
                    squares += (value - mean) ** 2
        out[label, 0], out[label, 1], out[label, 2] = mean, least, greatest
        out[label, 3] = np.sqrt(squares / pixels)
    return out
