"""Text in pictures, in the one font that Pillow brings along."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

#: A letter that the font lacks, and the one that it is drawn with.
_MICRO, _LIKE_MICRO = "µ", "u"


@lru_cache(16)
def _font(size: int) -> Any:
    return PIL.ImageFont.load_default(size)


def text_width(text: str, size: int) -> int:
    """The width of ``text`` in pixels where its letters are ``size`` pixels high."""
    return int(np.ceil(_font(size).getlength(text.replace(_MICRO, _LIKE_MICRO))))


@lru_cache(4096)
def lettered(text: str, size: int) -> NDArray[np.uint8]:
    """How much of each pixel is covered by ``text``, 0 to 255; read-only uint8 (y, x)."""
    font = _font(size)
    plain = text.replace(_MICRO, _LIKE_MICRO)
    picture = PIL.Image.new("L", (max(1, text_width(text, size)), round(1.3 * size)))
    pen = PIL.ImageDraw.Draw(picture)
    pen.text((0, size), plain, 255, font, anchor="ls")
    stem = max(1, round(size / 11))
    for place, letter in enumerate(text):
        if letter == _MICRO:
            left = round(font.getlength(plain[:place]) + font.getbbox(_LIKE_MICRO)[0] + size / 20)
            down = size + round(0.22 * size)
            pen.rectangle((left, size - size // 3, left + stem - 1, down), 255)
    covered = np.array(picture)
    covered.flags.writeable = False
    return covered


def write_text(
    canvas: NDArray[np.uint8],
    x: float,
    y: float,
    text: str,
    size: int,
    colour: tuple[int, int, int],
    anchor: str = "left",
    halo: tuple[int, int, int] | None = None,
) -> None:
    """Write ``text`` on ``canvas``, uint8 (y, x, 3), its baseline at ``y``.

    ``anchor`` says what of the text is at ``x``: its left, its middle or its right. What is beyond
    the canvas is cut off. A ``halo`` of another colour sets it off from what is below.
    """
    if halo is not None:
        _lay(canvas, x, y, _around(text, size), size, halo, anchor)
    _lay(canvas, x, y, lettered(text, size), size, colour, anchor)


@lru_cache(4096)
def _around(text: str, size: int) -> NDArray[np.uint8]:
    """A pixel around letters."""
    return np.asarray(cv2.dilate(lettered(text, size), np.ones((3, 3), np.uint8)))


def _lay(
    canvas: NDArray[np.uint8],
    x: float,
    y: float,
    covered: NDArray[np.uint8],
    size: int,
    colour: tuple[int, int, int],
    anchor: str,
) -> None:
    share = {"left": 0.0, "middle": 0.5, "right": 1.0}[anchor]
    left, top = round(x - share * covered.shape[1]), round(y) - size
    y0, x0 = max(top, 0), max(left, 0)
    y1 = min(top + covered.shape[0], canvas.shape[0])
    x1 = min(left + covered.shape[1], canvas.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    alpha = covered[y0 - top : y1 - top, x0 - left : x1 - left, None] / np.float32(255)
    under = canvas[y0:y1, x0:x1]
    under[:] = (under + alpha * (np.array(colour, np.float32) - under)).round()
