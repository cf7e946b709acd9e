"""A clock that goes from event to event."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

#: When simulated time begins, in seconds since 1970: as large as real times are.
BEGIN = 1_700_000_000.0


class Clock:
    """Calls what is to be called, in the order of its time; between two calls no time passes."""

    def __init__(self) -> None:
        self.now = BEGIN
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = count()

    def after(self, seconds: float, call: Callable[..., object], *arguments: Any) -> None:
        """Call ``call(*arguments)`` in so many seconds; in the order of asking at one time."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), call, arguments))

    def step(self) -> bool:
        """Go to the next event; False where there is none."""
        if not self._due:
            return False
        self.now, _, call, arguments = heapq.heappop(self._due)
        call(*arguments)
        return True
