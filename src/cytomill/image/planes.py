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
        first = self._only_image(self.paths[0])
        for path in self.paths[1:]:
            self._check(path, self._only_image(path), first)
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

    def _only_image(self, path: Path) -> Image:
        with PathSource(path).open() as file:
            if len(file.images) != 1:
                fault = f"holds {len(file.images)} images but is listed as one plane"
                raise InputError(shown(path), fault, "list single planes")
            image = file.images[0]
        if image.shape[0] != 1 or image.shape[2] != 1:
            fault = (
                f"has {image.shape[0]} times and {image.shape[2]} depths but is listed as one plane"
            )
            raise InputError(shown(path), fault, "list single planes, or this file alone")
        return image

    def _check(self, path: Path, image: Image, first: Image) -> None:
        if (image.shape, image.dtype, image.rgb) != (first.shape, first.dtype, first.rgb):
            raise InputError(
                shown(path),
                f"is {_form(image)} but the first plane of its list is {_form(first)}",
                "list planes of one size, type and number of channels",
            )


@dataclass(frozen=True, slots=True)
class _PlanesPixels:
    """Pixels of planes. Each read opens its file: a list may have more than may be open at once."""

    paths: tuple[Path, ...]

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        with PathSource(self.paths[z]).open() as file:
            return np.array(file.images[0].read(t, c, 0, y, x))

    def close(self) -> None:
        """Nothing stays open."""


def _form(image: Image) -> str:
    _, channels, _, height, width = image.shape
    return f"{height}×{width} {image.dtype} with {channels} channel{'s' * (channels > 1)}"
