"""Measurements as a table: a row per object, the columns that `docs/measurements.md` defines."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..image.core import PixelSize
from .measure import INTENSITY, SHAPE

#: Columns in µm and µm², null where the pixel size is unknown.
PHYSICAL = (
    "area_um2",
    "centroid-0_um",
    "centroid-1_um",
    "equivalent_diameter_area_um",
    "axis_major_length_um",
    "axis_minor_length_um",
    "perimeter_um",
)

#: Pixels whose height and width differ by no more than this fraction count as square.
SQUARE = 1e-3

_OFFSET = {"bbox-0": 0, "bbox-1": 1, "bbox-2": 0, "bbox-3": 1, "centroid-0": 0, "centroid-1": 1}


def to_table(
    columns: dict[str, NDArray[Any]],
    *,
    image: str,
    t: int,
    z: int,
    channels: Sequence[str] = (),
    pixel_size: PixelSize | None = None,
    offset: tuple[int, int] = (0, 0),
) -> pa.Table:
    """The rows of one plane, from the ``columns`` that `measure.measure` returned for it.

    ``image`` names the image and ``t`` and ``z`` the plane, from 0. ``channels`` are the names of
    the measured channels, empty where they have none. ``offset`` is the (y, x) of the measured
    array's first pixel in the plane; it is added to boxes and centroids.

    The schema is that of `schema`, with and without a pixel size; NaN becomes null.
    """
    count = len(columns["label"])
    shown = schema(sum(name.startswith(f"{INTENSITY[0]}-") for name in columns), channels)
    measured = {
        name: values + offset[_OFFSET[name]] if name in _OFFSET else values
        for name, values in columns.items()
    }
    measured |= _physical(measured, pixel_size)
    measured |= {"t": np.full(count, t), "z": np.full(count, z)}
    intensities = [name for name in columns if name.startswith("intensity_")]
    keys = ["image", "t", "z", "label", *SHAPE, *PHYSICAL, *intensities]
    arrays = []
    for key, field in zip(keys, shown, strict=True):
        if key == "image":
            arrays.append(_repeated(image, count))
        elif key in measured:
            arrays.append(_column(measured[key], field.type))
        else:
            arrays.append(pa.nulls(count, field.type))
    return pa.table(arrays, schema=shown)


def schema(count: int, channels: Sequence[str] = ()) -> pa.Schema:
    """The columns of a table of images with ``count`` measured channels of these names."""
    whole = {"bbox-0", "bbox-1", "bbox-2", "bbox-3"}
    fields = [("image", pa.string()), ("t", pa.int32()), ("z", pa.int32()), ("label", pa.uint32())]
    fields += [(name, pa.int32() if name in whole else pa.float64()) for name in SHAPE]
    fields += [(name, pa.float64()) for name in PHYSICAL]
    for channel in channel_names(count, channels):
        fields += [(f"{name}-{channel}", pa.float64()) for name in INTENSITY]
    return pa.schema(fields)


def channel_names(count: int, channels: Sequence[str] = ()) -> list[str]:
    """What ``count`` channels are called in column names: their names where they have one.

    Characters that a CSV reader or a formula could take for something else become ``_``; a channel
    without a name, or with one that an earlier channel has, is known by its number from 0.
    """
    names: list[str] = []
    for i in range(count):
        name = channels[i] if i < len(channels) else ""
        name = re.sub(r"[^\w .()+/-]+", "_", name).strip(" _")
        taken = {other.lower() for other in names}
        if not name or name.lower() in taken:
            name = f"{name}_{i}" if name else str(i)
        while name.lower() in taken:
            name += "_"
        names.append(name)
    return names


# Columns are made of their buffers: `pyarrow.array` and `pyarrow.scalar` import pandas where it is
# installed, which takes as long as several images.


def _repeated(text: str, count: int) -> pa.Array:
    """A column of strings that are all the same."""
    told = text.encode()
    first = np.arange(count + 1, dtype=np.int32) * len(told)
    return pa.StringArray.from_buffers(count, pa.py_buffer(first), pa.py_buffer(told * count))


def _column(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """``values`` as a column, NaN as null."""
    data = np.ascontiguousarray(values, kind.to_pandas_dtype())
    known = None
    if data.dtype.kind == "f":
        known = pa.py_buffer(np.packbits(~np.isnan(data), bitorder="little"))
    return pa.Array.from_buffers(kind, len(data), [known, pa.py_buffer(data)])


def _physical(
    columns: dict[str, NDArray[Any]], size: PixelSize | None
) -> dict[str, NDArray[np.float64]]:
    """The `PHYSICAL` columns that this pixel size allows."""
    if size is None:
        return {}
    area = columns["area"] * size.y * size.x
    found = {
        "area_um2": area,
        "centroid-0_um": columns["centroid-0"] * size.y,
        "centroid-1_um": columns["centroid-1"] * size.x,
        "equivalent_diameter_area_um": np.sqrt(4 * area / np.pi),
    }
    if math.isclose(size.y, size.x, rel_tol=SQUARE):
        side = math.sqrt(size.y * size.x)
        for name in ("axis_major_length", "axis_minor_length", "perimeter"):
            found[f"{name}_um"] = columns[name] * side
    return found
