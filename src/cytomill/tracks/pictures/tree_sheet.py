"""The measures of a picture of a lineage tree: how wide columns are, and what there is room for."""

from __future__ import annotations

from dataclasses import dataclass

from ..lineage import Lineage
from .tree_layout import Block, rows

#: Widths of pictures and of their columns, of which the first that is not too tall is taken: wide
#: columns for few tracks, narrow ones for many.
_SIZES = ((1600, 26), (1600, 18), (1600, 12), (2400, 9), (4096, 6), (4096, 3))

#: Height over width of a picture above which columns are made narrower.
_TALL = 1.25

#: Margins, and other lengths, in pixels.
LEFT, RIGHT, _TOP, _BOTTOM, _LEAST_WIDTH = 60, 28, 66, 18, 760
_PER_FRAME, _LEAST_ROW, _MOST_ROW, _BETWEEN_ROWS = 14, 90, 400, 34


@dataclass(frozen=True, slots=True)
class Sheet:
    """The picture's measures: what stands in which row, and how large all is."""

    rows: list[list[Block]]
    pitch: float
    row: float
    frames: int

    @classmethod
    def of(cls, lineage: Lineage, found: list[Block], longest: int) -> Sheet:
        """The widest columns with which the picture is not too tall."""
        frames = max(1, lineage.shape[0])
        height = float(min(max(_PER_FRAME * frames, _LEAST_ROW), _MOST_ROW))
        widest = max((block.width for block in found), default=1)
        for size, columns in _SIZES:
            width = min(size, longest)
            inside = width - LEFT - RIGHT
            pitch = min(float(columns), inside / widest)
            made = cls(rows(found, max(int(inside / pitch), widest)), pitch, height, frames)
            if made.height <= min(_TALL * width, longest):
                return made
        most = int((longest - _TOP - _BOTTOM) // (height + _BETWEEN_ROWS))
        return cls(made.rows[: max(1, most)], pitch, height, frames)

    @property
    def width(self) -> int:
        """Of the picture."""
        return max(_LEAST_WIDTH, round(self.right + RIGHT))

    @property
    def height(self) -> int:
        """Of the picture."""
        return round(self.top(max(1, len(self.rows))) + _BOTTOM)

    @property
    def right(self) -> float:
        """Where the widest row ends."""
        return self.x(max((row[-1].left + row[-1].width - 0.5 for row in self.rows), default=0))

    @property
    def line(self) -> int:
        """The width of a track's line."""
        return 3 if self.pitch >= 16 else 2 if self.pitch >= 5 else 1

    def top(self, row: int) -> float:
        """Where a row begins."""
        return _TOP + row * (self.row + _BETWEEN_ROWS)

    def x(self, column: float) -> float:
        """The middle of a column."""
        return round(LEFT + (column + 0.5) * self.pitch, 2)

    def y(self, top: float, frame: float) -> float:
        """The start of a frame in the row that begins at ``top``."""
        return round(top + frame * self.row / self.frames, 2)
