"""The axes of a model's tensors as those of an image.

A tensor's axis is named by a letter: T, C, Z, Y and X as an image's, B for a batch, and I for any
other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.core import AXES
from ..models.description import Axis, Fixed, Tensor

_LETTERS = {"batch": "B", "channel": "C", "time": "T", "index": "I"}


def letters(tensor: Tensor) -> str:
    """A letter for each axis: axes of space by their names, else the last is X, then Y, then Z."""
    named = {axis.id: axis.id.upper() for axis in tensor.axes if axis.kind == "space"}
    if not set(named.values()) <= set("ZYX"):
        named = dict(zip(reversed(named), "XYZII", strict=False))
    return "".join(
        named.get(axis.id, "I") if axis.kind == "space" else _LETTERS[axis.kind]
        for axis in tensor.axes
    )


def axis_of(tensor: Tensor, letter: str) -> Axis | None:
    """The axis with ``letter``, None where there is none."""
    place = letters(tensor).find(letter)
    return tensor.axes[place] if place >= 0 else None


def is_single(axis: Axis) -> bool:
    """Whether the axis has always one element."""
    return axis.kind == "batch" or axis.size == Fixed(1)


def to_tensor(pixels: NDArray[Any], order: str) -> NDArray[Any]:
    """``pixels`` (t, c, z, y, x) with the axes ``order``; those it lacks have one element."""
    kept = [axis for axis in order if axis in AXES]
    lost = tuple(i for i, axis in enumerate(AXES) if axis not in kept)
    there = [axis for axis in AXES if axis in kept]
    moved = pixels.squeeze(lost).transpose([there.index(axis) for axis in kept])
    return np.expand_dims(moved, [i for i, axis in enumerate(order) if axis not in AXES])


def to_image(tensor: NDArray[Any], order: str) -> NDArray[Any]:
    """The inverse of `to_tensor`: (t, c, z, y, x), axes that ``order`` lacks with one element."""
    lost = tuple(i for i, axis in enumerate(order) if axis not in AXES)
    there = [axis for axis in order if axis in AXES]
    moved = tensor.squeeze(lost).transpose([there.index(a) for a in AXES if a in there])
    return np.expand_dims(moved, [i for i, axis in enumerate(AXES) if axis not in there])
