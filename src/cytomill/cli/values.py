"""Values of options that click has no type for."""

from __future__ import annotations

import math
import re
from typing import Any

import click

#: Seconds of the units of a duration.
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400}

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|min|m|h|d)")


class Duration(click.ParamType[float]):
    """A time such as ``90s``, ``30min``, ``4h`` or ``2d``, in seconds."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds, above 0."""
        if isinstance(value, float):
            return value
        found = _DURATION.fullmatch(str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r} is no time; write such as 90s, 30min, 4h or 2d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


class Number(click.FloatRange):
    """A number in a range; one that is none is refused."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number."""
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is not a number", param, ctx)
        return found


#: A number above 0.
ABOVE = Number(min=0, min_open=True, max=1e9)
