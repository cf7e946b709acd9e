"""Planes: several files that are one image, its depth.

ECVL stacks the planes of a location "along the depth dimension" (``Stack`` of its ``imgproc.h``),
so they become Z here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .core import AXES, Image, ImageFile
from .entry import PathSource
from .names import shown


@dataclass(frozen=True, slots=True)
class PlanesSource:
    """Files of one plane each, in the order of depth."""

    paths: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(PathSource(path).bytes for path in self.paths)

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """One image with as many planes as files; raises `InputError` where files do not match."""
        first = self._image(self.paths[0])
        for path in self.paths[1:]:
            image = self._image(path)
            if form(image) != form(first):
                fault = f"is {form(image)} but the first plane of its list is {form(first)}"
                advice = "list planes of one size, type and number of channels"
                raise InputError(shown(path), fault, advice)
        t, c, _, y, x = first.shape
        image = replace(
            first,
            axes="".join(axis for axis in AXES if axis in f"{first.axes}Z"),
            shape=(t, c, len(self.paths), y, x),
            source=_PlanesPixels(self.paths),
        )
        with ImageFile([image], image.source.close) as file:
            yield file

    def stamp(self) -> str:
        """Stamps of all files."""
        return " ".join(PathSource(path).stamp() for path in self.paths)

    def digest(self) -> str:
        """SHA-256 of the digests of all files, in order."""
        digests = (PathSource(path).digest() for path in self.paths)
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    def _image(self, path: Path) -> Image:
        with PathSource(path).open() as file:
            return only_plane(
                file, path, "but is listed as one plane", "list single planes, or this file alone"
            )


@dataclass(frozen=True, slots=True)
class Form:
    """What the planes of one image have in common."""

    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    rgb: bool

    def __str__(self) -> str:
        several = "s" * (self.channels > 1)
        return f"{self.height}×{self.width} {self.dtype} with {self.channels} channel{several}"


def form(image: Image) -> Form:
    """That of a plane of ``image``."""
    _, channels, _, height, width = image.shape
    return Form(height, width, channels, image.dtype, image.rgb)


def only_plane(file: ImageFile, subject: object, wanted: str, advice: str) -> Image:
    """The image of a file that holds one plane.

    Raises `InputError` about ``subject`` otherwise, saying what was ``wanted`` and the way out.
    """
    if len(file.images) != 1:
        raise InputError(shown(subject), f"holds {len(file.images)} images {wanted}", advice)
    (image,) = file.images
    times, _, depths, _, _ = image.shape
    if times != 1 or depths != 1:
        fault = f"has {times} times and {depths} depths {wanted}"
        raise InputError(shown(subject), fault, advice)
    return image


@dataclass(frozen=True, slots=True)
class _PlanesPixels:
    """Pixels of planes. Each read opens its file: a list may have more than may be open at once."""

    paths: tuple[Path, ...]

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        with PathSource(self.paths[z]).open() as file:
            return np.array(file.images[0].read(t, c, 0, y, x))

    def close(self) -> None:
        """Nothing stays open."""
