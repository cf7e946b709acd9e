"""What a user knows better of an image than its file says: its axes, and the size of its pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..errors import InputError, OptionError
from .core import AXES, Image, ImageFile, PixelSize
from .entry import Entry, Source
from .view import named, with_axes


def named_axes(given: str) -> str:
    """The axes that a user wrote, in capitals.

    Raises `OptionError` for what can be those of no image: other letters than those of TCZYX, one
    twice, no Y or no X.
    """
    axes = given.strip().upper()
    what = ""
    if wrong := [letter for letter in axes if letter not in AXES]:
        what = f"{wrong[0]} is no axis"
    elif twice := [letter for letter in axes if axes.count(letter) > 1]:
        what = f"{twice[0]} is there twice"
    elif missing := [letter for letter in "YX" if letter not in axes]:
        what = f"{missing[0]} is missing"
    if what:
        raise OptionError(
            f"axes {given!r}: {what}; write letters of {AXES}, each once, Y and X among them, "
            "such as TYX"
        )
    return axes


@dataclass(frozen=True, slots=True)
class Correction:
    """What is right of an image: its ``axes``, and the edge of a pixel in µm; None as it says."""

    axes: str | None = None
    pixel_size: float | None = None

    def of(self, image: Image) -> Image:
        """``image`` as it should be. Raises `InputError` where it has more axes, or fewer."""
        if self.axes is not None and self.axes != image.axes:
            if len(self.axes) != len(image.axes):
                sizes = "×".join(str(image.shape[AXES.index(axis)]) for axis in image.axes)
                raise InputError(
                    image.name,
                    f"has {len(image.axes)} axes, {image.axes} ({sizes}), which cannot be "
                    f"{self.axes}",
                    f"give {len(image.axes)} letters, one for each axis, or none",
                )
            image = with_axes(image, self.axes)
        if self.pixel_size is None:
            return image
        depth = image.pixel_size.z if image.pixel_size else None
        return image.with_pixel_size(PixelSize(self.pixel_size, self.pixel_size, depth))


@dataclass(frozen=True, slots=True)
class CorrectedSource:
    """A source whose images are corrected; messages call it ``name``."""

    source: Source
    correction: Correction
    name: str

    @property
    def bytes(self) -> int:
        """Those of the source."""
        return self.source.bytes

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open file. Raises `InputError`, also where its axes cannot be those."""
        with self.source.open() as file:
            images = [self.correction.of(one) for one in named(file.images, self.name)]
            with ImageFile(images, file.close) as corrected:
                yield corrected

    def stamp(self) -> str:
        """That of the source: its content is what it was."""
        return self.source.stamp()

    def digest(self) -> str:
        """That of the source: its content is what it was."""
        return self.source.digest()


def corrected(entries: Sequence[Entry], correction: Correction) -> list[Entry]:
    """The entries, all of whose images are corrected alike."""
    return [
        replace(entry, source=CorrectedSource(entry.source, correction, entry.name))
        for entry in entries
    ]
