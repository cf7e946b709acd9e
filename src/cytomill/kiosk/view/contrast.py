"""How the channels of an image are shown at first: their names, colours and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...image.core import Image
from ...image.ngff_describe import colours
from ...ops.normalise import HIGH_PERCENTILE, LOW_PERCENTILE
from .geometry import CHUNK
from .pyramid import Pyramid

#: Rectangles that a plane is sampled by, along each edge, where no small level of it is there.
_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel: ``low`` to ``high`` are shown, ``min`` to ``max`` are there."""

    name: str
    colour: str
    low: float
    high: float
    min: float
    max: float


def channels(image: Image, samples: list[NDArray[Any]]) -> list[Channel]:
    """The channels of ``image``, of which ``samples`` are some pixels each; empty for unknown.

    Limits are those of pictures of results: the 1st and 99.8th percentile. Colour pictures are
    shown as they are: bytes from 0 to 255, else with one range for all colours.
    """
    if image.rgb:
        samples = [np.concatenate([one.ravel() for one in samples])] * len(samples)
    found = []
    for c, (colour, sample) in enumerate(zip(colours(image), samples, strict=True)):
        finite = sample[np.isfinite(sample)]
        if not finite.size:
            top = np.iinfo(sample.dtype).max if sample.dtype.kind in "ui" else 1
            finite = np.array([0, top], np.float64)
        low, high = np.percentile(finite, (LOW_PERCENTILE, HIGH_PERCENTILE))
        if image.rgb and image.dtype == np.uint8:
            low, high = 0, 255
        name = image.channels[c] if c < len(image.channels) else ""
        low, high = float(low), float(high)
        least, greatest = float(finite.min()), float(finite.max())
        high = high if high > low else max(greatest, low + 1)
        found.append(
            Channel(name or f"channel {c}", f"#{colour.lower()}", low, high, least, greatest)
        )
    return found


def sampled(pyramid: Pyramid, c: int) -> NDArray[Any]:
    """Some pixels of a channel, of the plane that is shown first, read in a few rectangles."""
    base = pyramid.base(0)
    if base is None:
        return np.empty(0, pyramid.dtype)
    t, z = first_plane(pyramid.image)
    pieces = []
    height, width = pyramid.image.shape[3:]
    edge = CHUNK // _SAMPLES
    for i in range(_SAMPLES):
        top = (2 * i + 1) * height // (2 * _SAMPLES)
        for j in range(_SAMPLES):
            left = (2 * j + 1) * width // (2 * _SAMPLES)
            y, x = slice(top, min(top + edge, height)), slice(left, min(left + edge, width))
            pieces.append(pyramid.reduced(base, 0, t, c, z, y, x).ravel())
    return np.concatenate(pieces)


def first_plane(image: Image) -> tuple[int, int]:
    """The t and z of the plane that is shown first: the middle one of the first time."""
    return 0, image.shape[2] // 2
