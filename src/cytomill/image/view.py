"""Other ways to see an image: with other axes, all depth at once, or without what is damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .core import AXES, Image, PixelSize, PixelSource
from .reduced import Reduced, grain_of, reduced_of


def time_of_depth(image: Image) -> Image:
    """``image`` with its planes of Z as frames of T: shape (t·z, c, 1, y, x), without an interval.

    Where it has a T too, the planes of a frame follow each other. Pixels are read when they are
    asked for.
    """
    seen = _time_of(image, "Z", f"its {image.shape[2]} planes of Z as frames")
    return replace(seen, pixel_size=_flat(image.pixel_size))


def time_of_channels(image: Image) -> Image:
    """``image`` with its channels as frames of T: shape (t·c, 1, z, y, x), without an interval.

    Where it has a T too, the channels of a frame follow each other. Pixels are read when they are
    asked for.
    """
    seen = _time_of(image, "C", f"its {image.shape[1]} channels as frames")
    return replace(seen, channels=(), rgb=False)


def named(images: Sequence[Image], name: str) -> list[Image]:
    """The images of the input ``name``, called by its name; of several with ``#`` and a number."""
    if len(images) == 1:
        return [replace(images[0], name=name)]
    return [replace(one, name=f"{name}#{i}") for i, one in enumerate(images)]


def with_axes(image: Image, axes: str) -> Image:
    """``image`` whose axes are ``axes``: as many as it has, each in the place of one of its own.

    They may name any axis otherwise, Y and X too: a stack ZYX that is a picture with its channels
    last is YXC. Pixels are read when they are asked for: where Y or X was another axis, plane by
    plane. What goes with an axis (names of channels, colour, interval, pixel size) is kept where
    that stays what it was.
    """
    sizes = dict(zip(AXES, image.shape, strict=True))
    own = dict(zip(axes, image.axes, strict=True))
    t, c, z, y, x = (sizes[own[axis]] if axis in own else 1 for axis in AXES)
    kept = {axis for axis, before in own.items() if axis == before}
    size = image.pixel_size
    in_place = {"Y", "X"} <= kept
    if not in_place:
        size = None
    elif "Z" not in kept:
        size = _flat(size)
    coloured = "C" in kept
    # Of another axis each place is a plane of its own, which is unpacked for a row or column.
    unpacked = None if in_place else (y, x)
    return replace(
        image,
        axes=_axes(set(axes)),
        shape=(t, c, z, y, x),
        source=_View(image.source, _moved(image, own), "", _smaller(image, own), unpacked),
        pixel_size=size,
        channels=image.channels if coloured else (),
        rgb=image.rgb and coloured,
        interval=image.interval if "T" in kept else None,
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
        source=_View(image.source, read, f"the brightest of its {depths} planes of Z"),
        pixel_size=_flat(image.pixel_size),
    )


def forgiving(image: Image) -> Image:
    """``image`` of which what cannot be read is 0: to be written or shown, not to be analysed."""
    height, width = image.shape[3:]

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        try:
            return image.source.read(t, c, z, y, x)
        except InputError:
            return np.zeros((len(range(height)[y]), len(range(width)[x])), image.dtype)

    return replace(image, source=_View(image.source, read, seen_as(image)))


def blank(image: Image) -> Image:
    """Black pixels in the place of those of ``image``."""

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        height, width = image.shape[3:]
        return np.zeros((len(range(height)[y]), len(range(width)[x])), np.uint8)

    return replace(
        image, dtype=np.dtype(np.uint8), source=_View(image.source, read, seen_as(image))
    )


def without_first(image: Image) -> Image:
    """``image`` without the first of its channels, of which it has several."""
    times, channels, depths, height, width = image.shape

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        return image.source.read(t, c + 1, z, y, x)

    return replace(
        image,
        shape=(times, channels - 1, depths, height, width),
        channels=image.channels[1:],
        source=_View(image.source, read, seen_as(image)),
    )


def seen_as(image: Image) -> str:
    """What this module made of the image, in words; empty where it is as its file has it."""
    return image.source.told if isinstance(image.source, _View) else ""


@dataclass(frozen=True, slots=True)
class _View:
    """Pixels of another source, found by ``planes``; safe from several threads as that one is."""

    source: PixelSource
    planes: Callable[[int, int, int, slice, slice], NDArray[Any]]
    told: str
    reduced: Sequence[Reduced] = ()
    unpacked: tuple[int, int] | None = None

    @property
    def grain(self) -> tuple[int, int]:
        """See `Grained`: that of the source, unless it is ``unpacked`` otherwise."""
        return self.unpacked or grain_of(self.source)

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """See `PixelSource.read`."""
        return self.planes(t, c, z, y, x)

    def close(self) -> None:
        """Close the source."""
        self.source.close()


def _moved(
    image: Image, own: Mapping[str, str]
) -> Callable[[int, int, int, slice, slice], NDArray[Any]]:
    """Reads planes of ``image`` along other axes: ``own`` says which of its axes each one is."""
    before = {letter: axis for axis, letter in own.items()}
    order = [AXES.index(own[axis]) for axis in "YX"]
    rest = [axis for axis in range(len(AXES)) if axis not in order]

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        wanted: dict[str, int | slice] = {"T": t, "C": c, "Z": z, "Y": y, "X": x}
        if any(wanted[axis] for axis in "TCZ" if axis not in own):
            raise IndexError(f"no plane t={t}, c={c}, z={z}")
        # A range of each axis that the file has; but for those seen as Y and X of one place.
        times, channels, depths, down, across = (
            _range(wanted[before[letter]] if letter in before else 0, size)
            for letter, size in zip(AXES, image.shape, strict=True)
        )
        shape = [len(one) for one in (times, channels, depths, down, across)]
        found = np.empty(shape, image.dtype)
        rows, columns = slice(down.start, down.stop), slice(across.start, across.stop)
        for i, j, k in np.ndindex(*shape[:3]):
            plane = image.source.read(times[i], channels[j], depths[k], rows, columns)
            found[i, j, k] = plane
        seen = found.transpose(*rest, *order).reshape([shape[axis] for axis in order])
        return np.ascontiguousarray(seen[:: y.step, :: x.step])

    return read


def _smaller(image: Image, own: Mapping[str, str]) -> list[Reduced]:
    """The smaller copies of ``image`` seen alike, where Y and X stay what they were."""
    if own["Y"] != "Y" or own["X"] != "X":
        return []
    found = []
    for one in reduced_of(image.source):
        copy = replace(image, shape=(*image.shape[:3], one.height, one.width), source=one.source)
        found.append(replace(one, source=_View(one.source, _moved(copy, own), "")))
    return found


def _range(wanted: int | slice, size: int) -> range:
    """The places along an axis of ``size`` from the first to the last that are ``wanted``."""
    if isinstance(wanted, slice):
        first, last, _ = wanted.indices(size)
        return range(first, max(first, last))
    if not 0 <= wanted < size:
        raise IndexError(f"{wanted} is none of {size} places")
    return range(wanted, wanted + 1)


def _time_of(image: Image, axis: Literal["C", "Z"], told: str) -> Image:
    """``image`` with what it has along ``axis`` following each other along T."""
    times, channels, depths, height, width = image.shape
    count = channels if axis == "C" else depths

    def read(t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        frame, along = divmod(t, count)
        if (c if axis == "C" else z) or not 0 <= frame < times:
            raise IndexError(f"no plane t={t}, c={c}, z={z}")
        channel, depth = (along, z) if axis == "C" else (c, along)
        return image.source.read(frame, channel, depth, y, x)

    channels, depths = (1, depths) if axis == "C" else (channels, 1)
    return replace(
        image,
        axes=_axes({*image.axes, "T"} - {axis}),
        shape=(times * count, channels, depths, height, width),
        source=_View(image.source, read, told),
        interval=None,
    )


def _axes(kept: set[str]) -> str:
    return "".join(axis for axis in AXES if axis in kept)


def _flat(size: PixelSize | None) -> PixelSize | None:
    return size and replace(size, z=None)
