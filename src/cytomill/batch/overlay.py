"""A picture of a result: the image in grey, each object outlined in a colour of its own."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ..image.atomic import replacing
from ..image.core import Image
from ..ops.colour import COLOURS, palette
from ..ops.contrast import brightest, greys, shown, stretch
from ..ops.normalise import HIGH_PERCENTILE, LOW_PERCENTILE, Levels
from ..ops.outline import boundaries

#: Longest edge of a picture in pixels: what browsers and viewers open at once.
LONGEST = 4096

#: Pictures with an edge above this are seen scaled down: their lines are two pixels wide, unless
#: the picture is reduced already and its objects are small.
_THICK = 1600

#: Levels of grey; with those of labels the 256 colours of a palette PNG, a third of the bytes of
#: full colour.
_GREYS = 256 - COLOURS

#: Pixels that are read at a time.
_BAND = 2**24

#: Pixels that percentiles are taken of at most.
_SAMPLE = 2**18


def write_overlay(
    path: Path, image: Image, labels: Any, channel: int | None = None, *, longest: int = LONGEST
) -> None:
    """Write a PNG of one plane of ``image`` with the outlines of ``labels`` (t, z, y, x).

    The plane is the first in time and the middle one in depth. ``channel`` is the channel shown;
    None shows the nuclear stain (see `Image.channel`), or of a colour picture the brightest of its
    three channels. Brightness runs from the 1st to the 99.8th percentile. Planes with an edge
    above ``longest`` pixels are reduced by a whole number, a band at a time. Outlines lie on the
    outermost pixels of objects.

    Raises `OutputError`; ``path`` appears whole or not at all.
    """
    pixels, ids = _reduced(image, labels, channel, longest)
    thick = pixels.shape == image.shape[3:] and max(pixels.shape) > _THICK
    picture = PIL.Image.fromarray(_drawn(_greys(pixels), ids, thick), "P")
    picture.putpalette(_palette().tobytes())
    with replacing(path) as temporary:
        # Noise does not compress: looking for runs only is as good as a search, and faster.
        picture.save(temporary, "PNG", compress_level=1, compress_type=zlib.Z_RLE)


def _reduced(
    image: Image, labels: Any, channel: int | None, longest: int
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The plane as means and the labels as samples of squares that make it ``longest`` at most."""
    t, z = 0, image.shape[2] // 2
    channels = shown(image, channel)
    step = -(-max(image.shape[3:]) // longest)
    down, right = (min(step, edge) for edge in image.shape[3:])
    height, width = image.shape[3] // down, image.shape[4] // right
    across = slice(0, width * right)
    band = max(1, _BAND // (down * right * width))
    pixels, ids = [], []
    for top in range(0, height, band):
        rows = min(band, height - top)
        read = slice(top * down, (top + rows) * down)
        plane = brightest([image.read(t, c, z, read, across) for c in channels])
        if step > 1:
            plane = cv2.resize(plane, (width, rows), interpolation=cv2.INTER_AREA)
        pixels.append(plane)
        sample = np.asarray(labels[t, z, read, across])[down // 2 :: down, right // 2 :: right]
        ids.append(sample.astype(np.int32))  # a view would keep the whole band
    return np.concatenate(pixels), np.concatenate(ids)


def _greys(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The plane stretched to grey levels; what is no number is black."""
    stride = max(1, round((pixels.size / _SAMPLE) ** 0.5))
    kind = np.promote_types(pixels.dtype, np.float32).type
    sample = pixels[::stride, ::stride].astype(kind)
    sample = sample[np.isfinite(sample)]
    low, high = np.percentile(sample, (LOW_PERCENTILE, HIGH_PERCENTILE)) if sample.size else (0, 1)
    return stretch(pixels, Levels(low, high), _GREYS - 1)


def _drawn(grey: NDArray[np.uint8], ids: NDArray[np.int32], thick: bool) -> NDArray[np.uint8]:
    """Palette indices: ``grey``, and along the outlines of objects their colours."""
    lines = boundaries(ids)
    if thick:
        cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        lines = cv2.dilate(lines.view(np.uint8), cross).view(np.bool_) & (ids > 0)
    grey[lines] = _GREYS + ids[lines] % COLOURS
    return grey


def _palette() -> NDArray[np.uint8]:
    """The 256 colours: greys, then those of labels."""
    return np.concatenate((np.repeat(greys(_GREYS)[:, None], 3, axis=1), palette()))
