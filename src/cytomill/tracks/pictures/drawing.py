"""A drawing of lines, marks and text that can be had as a PNG or as an SVG."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from .lettering import write_text

#: Red, green and blue, each from 0 to 255.
RGB = tuple[int, int, int]

#: Pixels of a dotted line that are drawn, and that are left free.
_ON, _OFF = 2, 3

_FONT = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Line:
    """From (x0, y0) to (x1, y1), level or upright; ``width`` in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: RGB
    width: float = 1
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A filled rectangle."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: RGB


@dataclass(frozen=True, slots=True)
class Mark:
    """A ring, or a cross, of a ``radius`` around (x, y)."""

    x: float
    y: float
    radius: float
    colour: RGB
    cross: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Text whose baseline is at ``y``; ``anchor`` is left, middle or right."""

    x: float
    y: float
    text: str
    size: int
    colour: RGB
    anchor: str = "left"


@dataclass(slots=True)
class Drawing:
    """Shapes on white, later ones above earlier ones; all lengths in pixels, y down."""

    width: int
    height: int
    shapes: list[Line | Area | Mark | Text] = field(default_factory=list)

    def pixels(self) -> NDArray[np.uint8]:
        """The drawing as uint8 (y, x, 3)."""
        canvas = np.full((self.height, self.width, 3), 255, np.uint8)
        for shape in self.shapes:
            match shape:
                case Line():
                    _draw_line(canvas, shape)
                case Area(x0, y0, x1, y1, colour):
                    canvas[round(y0) : round(y1), round(x0) : round(x1)] = colour
                case Mark():
                    _draw_mark(canvas, shape)
                case Text(x, y, text, size, colour, anchor):
                    write_text(canvas, x, y, text, size, colour, anchor)
        return canvas

    def svg(self) -> str:
        """The drawing as an SVG document; the same shapes give the same text."""
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="{_FONT}" fill="none">',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *(_svg(shape) for shape in self.shapes),
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


def _draw_line(canvas: NDArray[np.uint8], line: Line) -> None:
    """Draw to whole pixels: lines that are level or upright stay sharp."""
    width = max(1, round(line.width))
    (x0, x1), (y0, y1) = sorted((line.x0, line.x1)), sorted((line.y0, line.y1))
    if x0 == x1:
        left, rows = round(x0 - width / 2), slice(round(y0), max(round(y1), round(y0) + 1))
        part = canvas[rows, max(left, 0) : left + width]
    else:
        # A level line reaches to the outer sides of the upright lines at its ends.
        top, left = round(y0 - width / 2), round(x0 - width / 2)
        part = canvas[max(top, 0) : top + width, left : round(x1 - width / 2) + width]
    if not line.dotted:
        part[:] = line.colour
        return
    for start in range(_ON):
        if x0 == x1:
            part[start :: _ON + _OFF] = line.colour
        else:
            part[:, start :: _ON + _OFF] = line.colour


def _draw_mark(canvas: NDArray[np.uint8], mark: Mark) -> None:
    """Draw with soft edges; OpenCV takes coordinates in parts of a pixel."""
    shift = 4
    x, y, radius = (round(v * 2**shift) for v in (mark.x - 0.5, mark.y - 0.5, mark.radius))
    if not mark.cross:
        whole = round(mark.radius * 2**shift)
        cv2.circle(canvas, (x, y), whole, (255, 255, 255), -1, cv2.LINE_AA, shift)
        cv2.circle(canvas, (x, y), whole, mark.colour, 1, cv2.LINE_AA, shift)
        return
    for way in (-1, 1):
        ends = (x - radius, y - way * radius), (x + radius, y + way * radius)
        cv2.line(canvas, *ends, mark.colour, 1, cv2.LINE_AA, shift)


def _svg(shape: Line | Area | Mark | Text) -> str:
    colour = "#" + "".join(f"{part:02x}" for part in shape.colour)
    match shape:
        case Line(x0, y0, x1, y1, _, width, dotted):
            dots = f' stroke-dasharray="{_ON} {_OFF}"' if dotted else ""
            cap = ' stroke-linecap="square"' if x0 != x1 and not dotted else ""
            return (
                f'<path d="M{x0:.6g} {y0:.6g}L{x1:.6g} {y1:.6g}" stroke="{colour}" '
                f'stroke-width="{width:.6g}"{dots}{cap}/>'
            )
        case Area(x0, y0, x1, y1):
            size = f'width="{x1 - x0:.6g}" height="{y1 - y0:.6g}"'
            return f'<rect x="{x0:.6g}" y="{y0:.6g}" {size} fill="{colour}"/>'
        case Mark(x, y, r, _, cross):
            if cross:
                path = f"M{x - r:.6g} {y - r:.6g}l{2 * r:.6g} {2 * r:.6g}m0 {-2 * r:.6g}"
                return f'<path d="{path}l{-2 * r:.6g} {2 * r:.6g}" stroke="{colour}"/>'
            return f'<circle cx="{x:.6g}" cy="{y:.6g}" r="{r:.6g}" stroke="{colour}" fill="#fff"/>'
        case Text(x, y, text, size, _, anchor):
            where = {"left": "start", "middle": "middle", "right": "end"}[anchor]
            return (
                f'<text x="{x:.6g}" y="{y:.6g}" font-size="{size}" fill="{colour}" '
                f'text-anchor="{where}">{escape(text)}</text>'
            )
