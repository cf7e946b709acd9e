"""The image: pixels on demand, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

#: The canonical order of axes: time, channel, depth, height, width.
AXES = "TCZYX"

#: Channel names that mean a nuclear stain, in lower case; a name that contains one is preferred.
NUCLEAR_STAINS = ("dapi", "hoechst", "nucle", "h2b", "draq5", "sytox", "dna")


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Distance between neighbouring pixels in µm; ``z`` is None where it is not known."""

    y: float
    x: float
    z: float | None = None


class PixelSource(Protocol):
    """Where an image's pixels come from: one implementation per format family."""

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """One plane, or the rectangle ``y`` by ``x`` of it; shape (y, x), the image's dtype.

        Safe to call from several threads at once. Raises `InputError` where the file is damaged.
        """
        ...

    def close(self) -> None:
        """Release the file; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a file.

    ``shape`` is always (t, c, z, y, x). ``axes`` are the axes that the file itself declares, in
    `AXES` order and without those it lacks: ``"YX"``, ``"CYX"``, ``"TZYX"``; a result is written
    with the same axes less ``C``. ``dtype`` is one of bool, the 8 to 64-bit integers and the 16 to
    64-bit floats. ``rgb`` says that the channels are red, green and blue of one colour picture
    (alpha is dropped). ``interval`` is the time between two frames in seconds, None where it is
    not known.
    """

    name: str
    axes: str
    shape: tuple[int, int, int, int, int]
    dtype: np.dtype[Any]
    source: PixelSource
    pixel_size: PixelSize | None = None
    channels: tuple[str, ...] = ()
    rgb: bool = False
    interval: float | None = None

    def read(
        self, t: int = 0, c: int = 0, z: int = 0, y: slice = slice(None), x: slice = slice(None)
    ) -> NDArray[Any]:
        """One plane, or a rectangle of it: shape (y, x), the image's dtype."""
        return self.source.read(t, c, z, y, x)

    def channel(self, wanted: str | int | None) -> int:
        """The index of the channel ``wanted``: a name (any case), a number from 0, or None.

        None means the first channel whose name speaks of a nuclear stain, else channel 0. Raises
        `InputError` naming the channels there are.
        """
        count = self.shape[1]
        names = [name.lower() for name in self.channels]
        if wanted is None:
            for index, name in enumerate(names):
                if any(stain in name for stain in NUCLEAR_STAINS):
                    return index
            return 0
        if str(wanted).lower() in names:
            return names.index(str(wanted).lower())
        if str(wanted).isdecimal() and int(wanted) < count:
            return int(wanted)
        have = ", ".join(
            f"{i} {name}".strip() for i, name in enumerate(self.channels or [""] * count)
        )
        raise InputError(
            self.name, f"has no channel {wanted!r}", f"its channels are: {have} (--channel)"
        )

    @property
    def planes(self) -> list[tuple[int, int]]:
        """The (t, z) of every plane, in order."""
        return [(t, z) for t in range(self.shape[0]) for z in range(self.shape[2])]

    def with_pixel_size(self, size: PixelSize | None) -> Image:
        """The same image with another pixel size."""
        return replace(self, pixel_size=size)


class ImageFile:
    """An open file and the images in it; a context manager that closes the file."""

    def __init__(self, images: Sequence[Image], close: Any) -> None:
        self.images = tuple(images)
        self._close = close

    def close(self) -> None:
        """Close the file; the images can no longer be read."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
