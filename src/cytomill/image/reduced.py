"""What a source of pixels may say besides: smaller copies in its file, and what a read costs.

Both are for programs that show images; an analysis reads the full resolution alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .core import PixelSource


@dataclass(frozen=True, slots=True)
class Reduced:
    """A smaller copy of an image in its file, of ``height`` and ``width``; else as the image."""

    height: int
    width: int
    source: PixelSource


@runtime_checkable
class Pyramidal(Protocol):
    """A source whose file has smaller copies too."""

    @property
    def reduced(self) -> Sequence[Reduced]:
        """Those that can be read, in the order of the file."""
        ...


@runtime_checkable
class Grained(Protocol):
    """A source that reads more than it is asked for."""

    @property
    def grain(self) -> tuple[int, int]:
        """Height and width of what is unpacked at once: a tile, a strip, or the whole plane."""
        ...


def reduced_of(source: PixelSource) -> Sequence[Reduced]:
    """The smaller copies of what ``source`` reads."""
    return source.reduced if isinstance(source, Pyramidal) else ()


def grain_of(source: PixelSource) -> tuple[int, int]:
    """Height and width of what ``source`` unpacks at once; a pixel where that is not known."""
    return source.grain if isinstance(source, Grained) else (1, 1)
