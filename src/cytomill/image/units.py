"""Lengths in the units that files give them in, and what a plausible pixel size is."""

from __future__ import annotations

import math

from .core import PixelSize

#: Micrometres in one of each unit, by its name in lower case.
_MICROMETRES = {
    **dict.fromkeys(("µm", "um", "micron", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-6),
    **dict.fromkeys(("å", "angstrom", "ångström"), 1e-4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("in", "inch", "inche"), 25_400.0),
}


def micrometres(value: object, unit: str) -> float | None:
    """``value`` (a number or its text), given in ``unit``, in µm.

    None where the unit is no length ("pixel"), or the value no finite number above 0.
    """
    name = unit.strip().replace("\\u00B5", "µ").replace("\u03bc", "µ").lower()
    name = name.removeprefix("â")  # a UTF-8 µ read as Latin-1
    factor = _MICROMETRES.get(name) or _MICROMETRES.get(name.removesuffix("s"))
    try:
        length = float(str(value)) * (factor or math.nan)
    except ValueError:
        return None
    return length if math.isfinite(length) and length > 0 else None


def pixel_size(y: float | None, x: float | None, z: float | None = None) -> PixelSize | None:
    """A pixel size from µm that may be unknown; a square pixel where one of y and x is."""
    y, x = y or x, x or y
    return PixelSize(y, x, z) if y and x else None
