"""What time a frame is of, in the units that its movie is best told in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Units in seconds, and the steps between ticks that suit them.
_UNITS = (("h", 3600.0, (1, 2, 3, 6, 12, 24)), ("min", 60.0, (1, 2, 5, 10, 20, 30)))
_STEPS = (1, 2, 5, 10)

#: A movie is told in a unit that it is this many of long at least.
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of each of ``frames`` that are ``interval`` seconds apart, or None."""

    frames: int
    interval: float | None

    @property
    def known(self) -> bool:
        """Whether there is a time, and not only a number of frames."""
        return self.interval is not None and np.isfinite(self.interval) and self.interval > 0

    @property
    def unit(self) -> str:
        """h, min or s; or ``frame``."""
        return self._unit()[0]

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Frames from the movie's start to its end, ``most`` of them or fewer, and their names.

        Ticks are at round times, which need not be those of whole frames.
        """
        _, frame, steps = self._unit()
        span = self.frames * frame
        step = _step(span / max(most, 1), steps)
        if not self.known:
            step = max(1.0, step)
        times = step * np.arange(int(span / step * (1 + 1e-9)) + 1)
        return [(time / frame, f"{time:.6g}") for time in times.tolist()]

    def tell(self, frame: int) -> str:
        """The time of ``frame``: ``2:30 h``, ``2:30 min``, ``2.5 s``; nothing where not known."""
        if self.interval is None or not self.known:
            return ""
        unit = self.unit
        if unit == "s":
            return f"{frame * self.interval:.6g} s"
        part = round(frame * self.interval / (60 if unit == "h" else 1))
        return f"{part // 60}:{part % 60:02d} {unit}"

    def _unit(self) -> tuple[str, float, tuple[int, ...]]:
        """The unit, how many of it a frame takes, and its steps."""
        if self.interval is None or not self.known:
            return "frame", 1.0, _STEPS
        for name, seconds, steps in _UNITS:
            if self.frames * self.interval >= _LEAST * seconds:
                return name, self.interval / seconds, steps
        return "s", self.interval, _STEPS


def _step(least: float, steps: tuple[int, ...]) -> float:
    """The smallest of ``steps``, or power of ten times 1, 2 or 5, that is ``least`` or more."""
    for step in steps:
        if least <= step and (least > steps[0] / 10 or step > steps[0]):
            return float(step)
    power = 10.0 ** np.floor(np.log10(max(least, 1e-300)))
    return float(next(power * step for step in _STEPS if power * step >= least * (1 - 1e-9)))
