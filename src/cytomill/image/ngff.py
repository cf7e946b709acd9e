"""OME-Zarr: opening images, plates and collections; writing is in `ngff_write`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import check_dtype, check_plane, name_axes, reading
from .core import AXES, Image, ImageFile
from .ngff_metadata import Multiscale, images
from .ngff_write import write_labelled

__all__ = ["open_ngff", "write_labelled"]


def open_ngff(path: Path) -> ImageFile:
    """Open an OME-Zarr folder, versions 0.1 to 0.5: one `Image` for each that it holds.

    Of a pyramid, only the full resolution. An image of a plate is named after the folder, its well
    and its field: ``p.zarr/A/1/0``; one of a collection after its number: ``c.zarr/0``. Raises
    `InputError`.
    """
    found = [
        _image(path, f"{path.name}/{name}" if name else path.name, multiscale)
        for name, multiscale in images(path)
    ]
    if not found:
        raise InputError(path, "is an OME-Zarr plate without images", "copy or convert it again")
    return ImageFile(found, lambda: None)


class ZarrSource:
    """A `PixelSource` over a Zarr array; reads the chunks that a rectangle touches.

    ``positions`` are where T, C, Z, Y and X are among the array's axes; -1 where it lacks one.
    """

    def __init__(self, subject: Path, array: Any, positions: tuple[int, ...]) -> None:
        self._subject, self._array, self._positions = subject, array, positions

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """One plane, or the rectangle of it given by ``y`` and ``x``."""
        key: list[int | slice] = [0] * self._array.ndim
        indices: tuple[int | slice, ...] = (t, c, z, y, x)
        for position, index in zip(self._positions, indices, strict=True):
            if position >= 0:
                key[position] = index
            elif index != 0:
                raise IndexError(f"no plane t={t}, c={c}, z={z}")
        with reading(self._subject):
            plane = np.asarray(self._array[tuple(key)])
        if self._positions[3] > self._positions[4]:
            plane = plane.T
        return np.ascontiguousarray(plane, plane.dtype.newbyteorder("="))

    def close(self) -> None:
        """Nothing is held open."""


def _image(subject: Path, name: str, multiscale: Multiscale) -> Image:
    import zarr  # takes 0.4 s, which only those who have OME-Zarr should wait for

    with reading(multiscale.array), warnings.catch_warnings():
        # Zarr warns of what old writers did; the user of the file can do nothing about it.
        warnings.simplefilter("ignore")
        array: Any = zarr.open_array(multiscale.array, mode="r")
        sizes = tuple(int(size) for size in array.shape)
        dtype = check_dtype(subject, np.dtype(array.dtype))
    if len(sizes) != len(multiscale.axes):
        raise InputError(
            subject,
            f"has {len(sizes)} axes where its metadata names {len(multiscale.axes)}",
            "convert it again",
        )
    names = name_axes(subject, list(zip(multiscale.axes, sizes, strict=True)), multiscale.axes)
    if "Y" not in names or "X" not in names:
        raise InputError(subject, f"has no plane: its axes are {multiscale.axes}")
    positions = tuple(names.index(axis) if axis in names else -1 for axis in AXES)
    times, channels, depths, height, width = (
        sizes[position] if position >= 0 else 1 for position in positions
    )
    check_plane(subject, height, width)
    size = multiscale.pixel_size
    return Image(
        name=name,
        axes="".join(axis for axis in AXES if axis in names),
        shape=(times, channels, depths, height, width),
        dtype=dtype,
        source=ZarrSource(subject, array, positions),
        pixel_size=replace(size, z=None) if size and depths == 1 else size,
        channels=multiscale.channels if len(multiscale.channels) == channels else (),
        interval=multiscale.interval if times > 1 else None,
    )
