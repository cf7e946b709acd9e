"""An image that is already in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .core import AXES, Image, PixelSize

#: Axes of an array whose axes are not given, by its number of dimensions.
_DEFAULT_AXES = {2: "YX", 3: "ZYX", 4: "CZYX", 5: AXES}


class ArraySource:
    """Pixels of a five-dimensional array, (t, c, z, y, x)."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """See `PixelSource.read`; a view."""
        return self._array[t, c, z, y, x]

    def close(self) -> None:
        """There is nothing to close."""


def from_array(
    array: NDArray[Any], axes: str | None = None, pixel_size: float | None = None
) -> Image:
    """An image of ``array`` with ``axes`` (a subset of TCZYX, any order) and ``pixel_size`` in µm.

    Raises `InputError` for shapes, axes and types that are no image's.
    """
    array = np.asarray(array)
    axes = (axes or _DEFAULT_AXES.get(array.ndim, "")).upper()
    if (
        len(axes) != array.ndim
        or len(set(axes)) != len(axes)
        or not {"Y", "X"} <= set(axes) <= set(AXES)
    ):
        raise InputError(
            "array",
            f"has {array.ndim} axes, which {axes or 'nothing'!r} does not name",
            "give axes, such as 'CYX': letters of TCZYX, Y and X among them",
        )
    if array.dtype.kind not in "buif":
        raise InputError("array", f"has type {array.dtype}", "give integers or real floats")
    if not array.size:
        raise InputError("array", f"is empty, shape {array.shape}")
    order = [axes.index(axis) for axis in AXES if axis in axes]
    sizes = [array.shape[axes.index(axis)] if axis in axes else 1 for axis in AXES]
    full = array.transpose(order).reshape(sizes)
    if full.dtype == bool:
        full = full.view(np.uint8)
    size = None if pixel_size is None else PixelSize(pixel_size, pixel_size)
    t, c, z, y, x = sizes
    return Image(
        name="array",
        axes="".join(axis for axis in AXES if axis in axes),
        shape=(t, c, z, y, x),
        dtype=full.dtype,
        source=ArraySource(full),
        pixel_size=size,
    )
