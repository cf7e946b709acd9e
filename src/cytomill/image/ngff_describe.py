"""What the metadata of OME-Zarr says of an image: its axes and their steps, colours of channels."""

from __future__ import annotations

from typing import Any

from .core import AXES, Image

_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}

#: Colours of channels, as viewers that know nothing better show them.
_COLOURS = ("FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
_SINGLE, _RGB = ("FFFFFF",), ("FF0000", "00FF00", "0000FF")


def colours(image: Image) -> list[str]:
    """The colour of each channel, RRGGBB."""
    count = image.shape[1]
    known = _RGB if image.rgb else _SINGLE if count == 1 else _COLOURS
    return [known[c % len(known)] for c in range(count)]


def described(name: str, axes: str, image: Image, levels: int) -> dict[str, Any]:
    """The multiscale ``name`` of arrays with ``axes``: "0" and so on, each half of the one before.

    Steps in space and time are those of ``image``.
    """
    return {
        "name": name,
        "axes": _axes(axes, image),
        "datasets": [
            {
                "path": str(number),
                "coordinateTransformations": [
                    {"type": "scale", "scale": _scale(axes, image, 2**number)}
                ],
            }
            for number in range(levels)
        ],
    }


def _axes(axes: str, image: Image) -> list[dict[str, str]]:
    """The axes of a multiscale; space and time have a unit where their steps are known."""
    size = image.pixel_size
    found = []
    for axis in axes:
        entry = {"name": axis.lower(), "type": _TYPES[axis]}
        if size is not None and (axis in "YX" or (axis == "Z" and size.z is not None)):
            entry["unit"] = "micrometer"
        if axis == "T" and image.interval is not None:
            entry["unit"] = "second"
        found.append(entry)
    return found


def _scale(axes: str, image: Image, factor: int) -> list[float]:
    """The step of a level along each axis; 1 where it is unknown."""
    size = image.pixel_size
    z, y, x = (size.z or 1.0, size.y, size.x) if size is not None else (1.0, 1.0, 1.0)
    steps = (image.interval or 1.0, 1.0, z, y * factor, x * factor)
    return [step for axis, step in zip(AXES, steps, strict=True) if axis in axes]
