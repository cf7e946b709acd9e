"""Other ways to see an image: its depth as time, or all of its depth at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .core import AXES, Image, PixelSize, PixelSource


def time_of_depth(image: Image) -> Image:
    """``image`` with its planes of Z as frames of T: shape (t·z, c, 1, y, x), without an interval.

    Where it has a T too, the planes of a frame follow each other. Pixels are read when they are
    asked for.
    """
    times, channels, depths, height, width = image.shape

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        if z or not 0 <= t < times * depths:
            raise IndexError(f"no plane t={t}, c={c}, z={z}")
        frame, depth = divmod(t, depths)
        return image.source.read(frame, c, depth, y, x)

    return replace(
        image,
        axes=_axes({*image.axes, "T"} - {"Z"}),
        shape=(times * depths, channels, 1, height, width),
        source=_View(image.source, read),
        pixel_size=_flat(image.pixel_size),
        interval=None,
    )


def projected(image: Image) -> Image:
    """``image`` with the largest value along Z of every pixel: shape (t, c, 1, y, x).

    NaN counts only where a pixel is nothing else. A rectangle is read plane by plane when it is
    asked for, in the memory of two of them.
    """
    times, channels, depths, height, width = image.shape

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        if z:
            raise IndexError(f"no plane t={t}, c={c}, z={z}")
        highest = image.source.read(t, c, 0, y, x)
        for depth in range(1, depths):
            plane = image.source.read(t, c, depth, y, x)
            # Of booleans and integers fmax is maximum; of floats it passes NaN over.
            highest = np.fmax(highest, plane)
        return highest

    return replace(
        image,
        axes=_axes({*image.axes} - {"Z"}),
        shape=(times, channels, 1, height, width),
        source=_View(image.source, read),
        pixel_size=_flat(image.pixel_size),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Pixels of another source, found by ``planes``; safe from several threads as that one is."""

    source: PixelSource
    planes: Callable[[int, int, int, slice, slice], NDArray[Any]]

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """See `PixelSource.read`."""
        return self.planes(t, c, z, y, x)

    def close(self) -> None:
        """Close the source."""
        self.source.close()


def _axes(kept: set[str]) -> str:
    return "".join(axis for axis in AXES if axis in kept)


def _flat(size: PixelSize | None) -> PixelSize | None:
    return size and replace(size, z=None)
