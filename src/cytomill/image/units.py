"""Lengths and times in the units that files give them in, and what a plausible pixel size is."""

from __future__ import annotations

import math
from collections.abc import Mapping

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

#: Seconds in one of each unit, by its name in lower case.
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond"), 1e-3),
    **dict.fromkeys(("µs", "us", "usec", "microsecond"), 1e-6),
    **dict.fromkeys(("ns", "nanosecond"), 1e-9),
    **dict.fromkeys(("min", "minute"), 60.0),
    **dict.fromkeys(("h", "hr", "hour"), 3600.0),
    **dict.fromkeys(("d", "day"), 86_400.0),
}


def micrometres(value: object, unit: str) -> float | None:
    """``value`` (a number or its text), given in ``unit``, in µm.

    None where the unit is no length ("pixel"), or the value no finite number above 0.
    """
    return _measured(value, unit, _MICROMETRES)


def seconds(value: object, unit: str) -> float | None:
    """``value`` (a number or its text), given in ``unit``, in seconds; None as `micrometres`."""
    return _measured(value, unit, _SECONDS)


def pixel_size(y: float | None, x: float | None, z: float | None = None) -> PixelSize | None:
    """A pixel size from µm that may be unknown; a square pixel where one of y and x is."""
    y, x = y or x, x or y
    return PixelSize(y, x, z) if y and x else None


def _measured(value: object, unit: str, units: Mapping[str, float]) -> float | None:
    name = unit.strip().replace("\\u00B5", "µ").replace("\u03bc", "µ").lower()
    name = name.removeprefix("â")  # a UTF-8 µ read as Latin-1
    factor = units.get(name) or units.get(name.removesuffix("s"))
    try:
        found = float(str(value)) * (factor or math.nan)
    except ValueError:
        return None
    return found if math.isfinite(found) and found > 0 else None
