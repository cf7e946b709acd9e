"""Faults told of the name that a user gave a file, not of where it lies on a machine of a kiosk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from ..errors import InputError, PermanentError
from ..image.core import ImageFile, PixelSource
from ..image.entry import Source
from ..image.reduced import Reduced, grain_of, reduced_of


@contextmanager
def retold(path: str, name: str) -> Iterator[None]:
    """Within the block errors speak of ``name`` where they spoke of ``path``."""
    try:
        yield
    except PermanentError as error:
        if path not in str(error):
            raise
        if isinstance(error, InputError):
            parts = (error.subject, error.fault, error.advice)
            raise InputError(*(part.replace(path, name) for part in parts)) from error
        raise PermanentError(str(error).replace(path, name)) from error


@dataclass(frozen=True, slots=True)
class Retold:
    """A source whose errors are `retold`."""

    source: Source
    path: str
    name: str

    @property
    def bytes(self) -> int:
        """Those of the source."""
        return self.source.bytes

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open file, whose images speak of the name too: what they raise may be kept."""
        with retold(self.path, self.name), self.source.open() as file:
            images = [
                replace(image, source=_Pixels(image.source, self.path, self.name))
                for image in file.images
            ]
            with ImageFile(images, file.close) as told:
                yield told

    def stamp(self) -> str:
        """That of the source."""
        with retold(self.path, self.name):
            return self.source.stamp()

    def digest(self) -> str:
        """That of the source."""
        with retold(self.path, self.name):
            return self.source.digest()


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Pixels whose errors are `retold`."""

    source: PixelSource
    path: str
    name: str

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """See `PixelSource.read`."""
        with retold(self.path, self.name):
            return self.source.read(t, c, z, y, x)

    @property
    def reduced(self) -> list[Reduced]:
        """Those of the source."""
        return [
            replace(one, source=_Pixels(one.source, self.path, self.name))
            for one in reduced_of(self.source)
        ]

    @property
    def grain(self) -> tuple[int, int]:
        """That of the source."""
        return grain_of(self.source)

    def close(self) -> None:
        """Close the source."""
        self.source.close()
