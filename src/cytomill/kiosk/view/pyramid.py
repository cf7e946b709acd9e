"""All levels of an image: which can be read from its file, and which have to be built first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...image.core import Image, PixelSource
from ...image.reduced import grain_of, reduced_of
from .geometry import CHUNK, Geometry, Place
from .halving import Halve, label_type, mean, nearest, pixel_type

#: Pixels of a plane of which all levels are made at once when one of them is asked for.
SMALL = 4096**2

#: Levels that a chunk may be away from what it is made of when it is asked for.
_NEAR = 1

#: Level from which on planes that are larger are built: what is finer would need most of the room.
_FIRST = 2

#: Pixels that may be unpacked for one chunk: those of a tile, not of a strip of a slide.
_GRAIN = 2**22

#: Pixels by which a smaller copy in a file may differ from a level: programs round each in a way
#: of its own.
_SLACK = 2

#: Bytes of a plane, and all that is unpacked with it, of formats that cannot be read in pieces.
_WHOLE = 2**30

#: Bytes that are read at once while a plane is built.
_READ = 2**25


@dataclass(frozen=True, slots=True)
class Base:
    """What a file has of a level, or nearly: ``height`` and ``width`` are its own."""

    level: int
    height: int
    width: int
    source: PixelSource


@dataclass(frozen=True)
class Pyramid:
    """The levels of ``image``, of pixels of type ``dtype`` that ``halve`` makes smaller."""

    image: Image
    dtype: np.dtype[Any]
    halve: Halve

    @classmethod
    def of_pixels(cls, image: Image) -> Pyramid:
        """That of an image, whose levels are means."""
        return cls(image, pixel_type(image.dtype), mean)

    @classmethod
    def of_labels(cls, image: Image) -> Pyramid:
        """That of labels, whose levels are samples."""
        return cls(image, label_type(image.dtype), nearest)

    @cached_property
    def geometry(self) -> Geometry:
        """Its levels and chunks."""
        return Geometry(self.image.shape)

    @property
    def small(self) -> bool:
        """Whether all levels of a plane can be made when one of them is asked for."""
        return self.image.shape[3] * self.image.shape[4] <= SMALL

    @cached_property
    def bases(self) -> tuple[Base, ...]:
        """What chunks can be read from, finest first."""
        height, width = self.image.shape[3:]
        found = [Base(0, height, width, self.image.source)]
        for one in reduced_of(self.image.source):
            for level, (high, wide) in enumerate(self.geometry.levels):
                if level and abs(one.height - high) <= _SLACK and abs(one.width - wide) <= _SLACK:
                    found.append(Base(level, one.height, one.width, one.source))
        usable = [one for one in found if np.prod(grain_of(one.source)) <= _GRAIN]
        return tuple(sorted(usable, key=lambda one: one.level))

    @cached_property
    def first(self) -> int | None:
        """The finest level that has to be built; None where there is none."""
        if self.small:
            return None
        levels = range(len(self.geometry.levels))
        return next((level for level in levels if self.base(level) is None), None)

    def base(self, level: int) -> Base | None:
        """What chunks of ``level`` are read from; None where that is built."""
        near = [one for one in self.bases if 0 <= level - one.level <= _NEAR]
        return near[-1] if near else None

    def levels(self, t: int, c: int, z: int) -> list[NDArray[Any]]:
        """All levels of a small plane."""
        plane = self._sent(self.image.read(t, c, z))
        found = [plane]
        while len(found) < len(self.geometry.levels):
            found.append(self.halve(found[-1], 1))
        return found

    def read(self, place: Place) -> NDArray[Any] | None:
        """A chunk (y, x) as far as it is in its level; None where the level is built."""
        base = self.base(place.level)
        if base is None:
            return None
        y, x = self.geometry.rectangle(place)
        return self.reduced(base, place.level, place.t, place.c, place.z, y, x)

    def reduced(
        self, base: Base, level: int, t: int, c: int, z: int, y: slice, x: slice
    ) -> NDArray[Any]:
        """A rectangle of ``level``, made from a finer or the same level of the file."""
        times = level - base.level
        # A copy in the file that was rounded down may end before the rectangle begins.
        top, left = min(y.start << times, base.height - 1), min(x.start << times, base.width - 1)
        rows = slice(top, min(y.stop << times, base.height))
        columns = slice(left, min(x.stop << times, base.width))
        found = self.halve(self._sent(base.source.read(t, c, z, rows, columns)), times)
        down, right = y.stop - y.start - found.shape[0], x.stop - x.start - found.shape[1]
        if down > 0 or right > 0:
            found = np.pad(found, ((0, max(down, 0)), (0, max(right, 0))), mode="edge")
        return found[: y.stop - y.start, : x.stop - x.start]

    def check_whole(self) -> None:
        """Raise `InputError` where only all of it can be read, and that is too much."""
        t, c, z, height, width = self.image.shape
        if self.small or grain_of(self.image.source) != (height, width):
            return
        if t * c * z * height * width * self.image.dtype.itemsize > _WHOLE:
            raise InputError(
                self.image.name,
                "is too large to be looked at: it cannot be read in pieces",
                "convert it to a tiled OME-TIFF or to OME-Zarr",
            )

    def rows(self, t: int, c: int, z: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """The level `first` of a plane, in rows of chunks from the top, and the number of each."""
        assert self.first is not None
        level, (height, width) = self.first, self.geometry.levels[self.first]
        base = self._built_from(level)
        band, high, wide = self._pieces(base, level - base.level)
        for top in range(0, height, band):
            out = np.zeros((min(band, height - top), width), self.dtype)
            for y in range(0, len(out), high):
                down = min(y + high, len(out))
                rows = slice(top + y, top + down)
                for left in range(0, width, wide):
                    columns = slice(left, min(left + wide, width))
                    out[y:down, columns] = self.reduced(base, level, t, c, z, rows, columns)
            for y in range(0, len(out), CHUNK):
                yield (top + y) // CHUNK, out[y : y + CHUNK]

    def _built_from(self, level: int) -> Base:
        height, width = self.image.shape[3:]
        whole = Base(0, height, width, self.image.source)
        return next((one for one in reversed(self.bases) if one.level <= level), whole)

    def _pieces(self, base: Base, times: int) -> tuple[int, int, int]:
        """Rows that are held at once, and height and width of the pieces that they are read in.

        All in pixels of the level that is built. What is unpacked together is read together, so
        that nothing is unpacked often.
        """
        down, across = (-(-edge >> times) for edge in grain_of(base.source))
        wide = CHUNK * -(-across // CHUNK)
        if base not in self.bases:  # it is too coarse for chunks, so all of it is to be used
            band = CHUNK * -(-down // CHUNK)
            return band, band, wide
        row = (wide << 2 * times) * self.image.dtype.itemsize
        return CHUNK, max(1, min(CHUNK, _READ // row)), wide

    def _sent(self, pixels: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # of float64 what no float32 holds is infinite
            return pixels.astype(self.dtype, copy=False)
