"""OME-Zarr: opening images, plates and collections; writing is in `ngff_write`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import check_dtype, check_plane, name_axes, reading
from .core import AXES, Image, ImageFile
from .ngff_metadata import Multiscale, images
from .ngff_write import write_labelled
from .reduced import Reduced

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
    ``reduced`` are the folders of its smaller copies.
    """

    def __init__(
        self,
        subject: Path,
        array: Any,
        positions: tuple[int, ...],
        reduced: tuple[Path, ...] = (),
    ) -> None:
        self._subject, self._array, self._positions = subject, array, positions
        self._reduced = reduced

    @cached_property
    def reduced(self) -> list[Reduced]:
        """See `Pyramidal`; less those that cannot be read or are not of its kind."""
        found = []
        for path in self._reduced:
            with suppress(InputError):
                array = _open_array(path)
                own = ZarrSource(self._subject, array, self._positions)
                if own._planes == self._planes and array.dtype == self._array.dtype:
                    found.append(Reduced(*own._edges(array.shape), own))
        return found

    @property
    def grain(self) -> tuple[int, int]:
        """See `Grained`: a chunk, or the shard that it is in."""
        return self._edges(self._array.chunks)

    @property
    def _planes(self) -> list[int]:
        """How many axes there are, and the lengths of T, C and Z."""
        shape = self._array.shape
        return [len(shape), *(shape[p] if p >= 0 else 1 for p in self._positions[:3])]

    def _edges(self, lengths: Sequence[int]) -> tuple[int, int]:
        """Of lengths along all axes those along Y and X."""
        y, x = self._positions[3:]
        return int(lengths[y]), int(lengths[x])

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
    array = _open_array(multiscale.array)
    with reading(multiscale.array):
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
        source=ZarrSource(subject, array, positions, multiscale.reduced),
        pixel_size=replace(size, z=None) if size and depths == 1 else size,
        channels=multiscale.channels if len(multiscale.channels) == channels else (),
        interval=multiscale.interval if times > 1 else None,
    )


def _open_array(path: Path) -> Any:
    import zarr  # takes 0.4 s, which only those who have OME-Zarr should wait for

    with reading(path), warnings.catch_warnings():
        # Zarr warns of what old writers did; the user of the file can do nothing about it.
        warnings.simplefilter("ignore")
        return zarr.open_array(path, mode="r")
