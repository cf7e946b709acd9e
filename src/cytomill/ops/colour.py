"""Colours of labels: the same label has the same colour in every picture."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: How many colours there are; labels that differ by a multiple of it share one.
COLOURS = 64

#: CIE L* of successive labels: all can be told from black and from white.
_LIGHTNESS = (66.0, 52.0, 74.0, 59.0)

#: Distances from grey in CIE L*a*b*, of which each colour takes the first that screens can show:
#: cut to what they show, different hues would become one.
_CHROMAS = np.arange(95.0, 25.0, -2.5)


@cache
def palette() -> NDArray[np.uint8]:
    """The colours of labels 0 to `COLOURS` - 1 as red, green, blue; uint8 (n, 3), read-only.

    Successive labels are a golden angle of hue apart, so that neighbours differ; labels whose hues
    come close differ in lightness.
    """
    label = np.arange(COLOURS)
    angle = label * np.pi * (3 - 5**0.5)
    lightness = np.array(_LIGHTNESS)[label % len(_LIGHTNESS)]
    a, b = (_CHROMAS[:, None] * side(angle) for side in (np.cos, np.sin))
    lab = np.stack((np.broadcast_to(lightness, a.shape), a, b), axis=-1).astype(np.float32)
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    # What cannot be shown is cut, and does not come back as it was.
    shown = np.abs(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB) - lab).max(axis=-1) < 1
    colours = (255 * rgb[shown.argmax(axis=0), label]).round().astype(np.uint8)
    colours.flags.writeable = False
    return colours


def colours(labels: Any) -> NDArray[np.uint8]:
    """The colours of ``labels`` (integers of any shape) as uint8 (..., 3)."""
    return palette()[np.asarray(labels) % COLOURS]


def colour(label: int) -> tuple[int, int, int]:
    """The red, green and blue of ``label``, each from 0 to 255."""
    red, green, blue = palette()[label % COLOURS].tolist()
    return red, green, blue
