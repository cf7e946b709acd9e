"""Pixels as a viewer is sent them, and how they are halved: means of images, samples of labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: Halves both edges of a rectangle (y, x), rounded up; ``times`` it is done.
Halve = Callable[[NDArray[Any], int], NDArray[Any]]

#: Types that viewers know and that hold all values of others; the rest becomes float32.
_PIXELS = {"bool": "uint8", "uint8": "uint8", "uint16": "uint16"}
_LABELS = {"bool": "uint16", "uint8": "uint16", "uint16": "uint16"}


def pixel_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What pixels of ``dtype`` are sent as: uint8, uint16 or float32."""
    return np.dtype(_PIXELS.get(dtype.name, "float32")).newbyteorder("<")


def label_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What labels of ``dtype`` are sent as: uint16 or uint32."""
    return np.dtype(_LABELS.get(dtype.name, "uint32")).newbyteorder("<")


def mean(pixels: NDArray[Any], times: int) -> NDArray[Any]:
    """Every level's pixel is the mean of 2 x 2 of the one before; an odd edge is repeated.

    Integers are rounded. NaN is left out, and stays where there is nothing else.
    """
    for _ in range(times):
        down, right = (edge % 2 for edge in pixels.shape)
        if down or right:
            pixels = np.pad(pixels, ((0, down), (0, right)), mode="edge")
        holes = np.isnan(pixels) if pixels.dtype.kind == "f" else np.zeros(1, bool)
        pixels = _numbers(pixels, holes) if holes.any() else _halved(pixels)
    return pixels


def nearest(labels: NDArray[Any], times: int) -> NDArray[Any]:
    """The first pixel of every square: labels must not be mixed."""
    return labels[:: 2**times, :: 2**times]


def _halved(pixels: NDArray[Any]) -> NDArray[Any]:
    height, width = pixels.shape
    return np.asarray(
        cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA), pixels.dtype
    )


def _numbers(pixels: NDArray[Any], holes: NDArray[np.bool_]) -> NDArray[Any]:
    """The means of what is a number."""
    share = _halved((~holes).astype(np.float32))
    total = _halved(np.where(holes, np.float32(0), pixels))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / share, pixels.dtype)
