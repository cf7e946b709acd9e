"""A small picture of an image."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..image.core import Image
from ..image.reduced import grain_of, reduced_of
from ..ops.contrast import brightest, greys, shown, stretch
from ..ops.normalise import HIGH_PERCENTILE, LOW_PERCENTILE, Levels

#: Values that are unpacked for one at most, some seconds' work; pixels that are read at a time.
_MOST, _BAND = 2**28, 2**24

#: Bytes above which none is made where so many have to be unpacked at once.
_UNPACKED = 2**29


def thumbnail(image: Image, size: int) -> bytes:
    """A PNG of the middle plane of the first frame of ``image``, ``size`` pixels at most.

    It is in colour where the image is, else the channel of the nuclear stain, or the first, in
    grey. Each channel runs from its 1st to its 99.8th percentile. It is read a band at a time; of a
    pyramid a small level is. Raises `InputError` where the plane is too large, or cannot be read.
    """
    import PIL.Image

    image = _smallest(image, size)
    height, width = image.shape[3:]
    channels = range(3) if image.rgb else shown(image, None)[:1]
    down, right = grain_of(image.source)
    down, right = min(down, height), min(right, width)
    unpacked = down * right * len(channels) * image.dtype.itemsize
    # Tiles and strips have all colours, and are unpacked for each of them anew.
    times = len(channels) if (down, right) == (height, width) else len(channels) ** 2
    if height * width * times > _MOST or unpacked > _UNPACKED:
        raise InputError(
            image.name,
            f"is too large for a small picture: it has planes of {height}×{width} pixels",
            "a job takes it all the same",
        )
    planes = [_greys(_reduced(image, c, size)) for c in channels]
    pixels = np.stack(planes, axis=-1) if image.rgb else planes[0]
    sink = io.BytesIO()
    PIL.Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def _smallest(image: Image, size: int) -> Image:
    """The smallest copy of ``image`` in its file that is no smaller than the picture."""
    copies = [one for one in reduced_of(image.source) if max(one.height, one.width) >= size]
    if not copies:
        return image
    one = min(copies, key=lambda copy: copy.height * copy.width)
    shape = (*image.shape[:3], one.height, one.width)
    return replace(image, shape=shape, source=one.source)


def _reduced(image: Image, channel: int, size: int) -> NDArray[Any]:
    """The plane as means of squares that make it ``size`` pixels at most."""
    import cv2

    height, width = image.shape[3:]
    step = -(-max(height, width) // size)
    down, right = min(step, height), min(step, width)
    rows, columns = height // down, width // right
    band = max(1, _BAND // (down * right * columns))
    found = []
    for top in range(0, rows, band):
        count = min(band, rows - top)
        y, x = slice(top * down, (top + count) * down), slice(0, columns * right)
        plane = brightest([image.read(0, channel, image.shape[2] // 2, y, x)])
        if step > 1:
            plane = cv2.resize(plane, (columns, count), interpolation=cv2.INTER_AREA)
        found.append(plane)
    return np.concatenate(found)


def _greys(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The plane stretched to 256 greys; what is no number is black."""
    sample = pixels.astype(np.promote_types(pixels.dtype, np.float32).type)
    sample = sample[np.isfinite(sample)]
    low, high = np.percentile(sample, (LOW_PERCENTILE, HIGH_PERCENTILE)) if sample.size else (0, 1)
    return greys(256)[stretch(pixels, Levels(low, high), 255)]
