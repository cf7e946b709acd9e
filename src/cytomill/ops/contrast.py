"""Contrast: an image's counts as the greys of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.core import Image
from .normalise import Levels

#: Exponent from brightness to grey: below 1, so that dim nuclei beside bright ones can be seen.
GAMMA = 0.75


def shown(image: Image, channel: int | None) -> list[int]:
    """The channels whose brightest makes the picture: ``channel``, or where that is None its stain.

    Of a colour picture all three, of others the nuclear stain (see `Image.channel`).
    """
    if channel is None and image.rgb:
        return list(range(image.shape[1]))
    return [image.channel(None) if channel is None else channel]


def brightest(planes: list[NDArray[Any]]) -> NDArray[Any]:
    """The largest of ``planes`` (y, x) at each pixel, of a type that OpenCV can resize."""
    plane = planes[0] if len(planes) == 1 else np.maximum.reduce(planes)
    return plane if plane.dtype in (np.uint8, np.uint16, np.float32) else plane.astype(np.float64)


def stretch(pixels: NDArray[Any], between: Levels, top: int) -> NDArray[np.uint8]:
    """``pixels`` (any shape) from 0 where they are ``between.low`` to ``top`` at ``between.high``.

    What is beyond is cut off; what is no number is 0.
    """
    kind = np.promote_types(pixels.dtype, np.float32).type
    grey = pixels.astype(kind)
    grey -= kind(between.low)
    grey *= kind(top / max(between.high - between.low, 1e-30))
    np.nan_to_num(grey, copy=False, nan=0, posinf=top, neginf=0)
    np.clip(grey, 0, top, out=grey)
    return grey.astype(np.uint8)


def greys(count: int) -> NDArray[np.uint8]:
    """The ``count`` greys from black to white that stretched pixels are shown in; uint8 (n,)."""
    return (255 * np.linspace(0, 1, count) ** GAMMA).round().astype(np.uint8)
