"""The levels and chunks of a pyramid, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

#: Edge of a chunk in pixels: of the widest type a chunk has 1 MiB.
CHUNK = 512


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk: its level, its plane, and its row and column among the chunks of that plane."""

    level: int
    t: int
    c: int
    z: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """The pyramid of an image of ``shape`` (t, c, z, y, x)."""

    shape: tuple[int, int, int, int, int]

    @property
    def levels(self) -> list[tuple[int, int]]:
        """Height and width of each level, each half of the one before, rounded up.

        The last is the first that fits into one chunk.
        """
        found = [self.shape[3:]]
        while max(found[-1]) > CHUNK:
            height, width = found[-1]
            found.append((-(-height // 2), -(-width // 2)))
        return found

    def chunks(self, level: int) -> tuple[int, int]:
        """Rows and columns of the chunks of a plane of ``level``."""
        height, width = self.levels[level]
        return -(-height // CHUNK), -(-width // CHUNK)

    def rectangle(self, place: Place) -> tuple[slice, slice]:
        """The rows and columns of its level that a chunk has; fewer than 512 at an edge."""
        height, width = self.levels[place.level]
        top, left = place.row * CHUNK, place.column * CHUNK
        return slice(top, min(top + CHUNK, height)), slice(left, min(left + CHUNK, width))

    def place(self, key: str) -> Place | None:
        """The chunk that the path ``LEVEL/T/C/Z/ROW/COLUMN`` names; None where there is none."""
        parts = key.split("/")
        # No other spelling of a number, so that a chunk has one address.
        if len(parts) != 6 or not all(_is_number(part) for part in parts):
            return None
        level, *rest = (int(part) for part in parts)
        if level >= len(self.levels):
            return None
        most = (*self.shape[:3], *self.chunks(level))
        if any(one >= end for one, end in zip(rest, most, strict=True)):
            return None
        return Place(level, *rest)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9 and str(int(text)) == text
