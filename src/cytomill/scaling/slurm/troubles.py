"""What is amiss with an installation's jobs, since when, and when something is tried again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from ..driver import Trouble
from .faults import Fault

#: Seconds until what was refused is tried again: at first, and at most.
FIRST, MOST = 5.0, 300.0


@dataclass(slots=True)
class Pause:
    """When a pool may be tried again, later and later."""

    first: float = FIRST
    until: float = 0.0
    failures: int = 0

    def failed(self, now: float) -> float:
        """It was tried in vain; returns when it may be tried again."""
        self.until = now + min(self.first * 2.0**self.failures, MOST)
        self.failures = min(self.failures + 1, 30)
        return self.until

    def done(self) -> None:
        """It went well."""
        self.until, self.failures = 0.0, 0


class Book:
    """Troubles, by where they come from: what each source says replaces what it said before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, dict[tuple[str, str], Trouble]] = {}

    def tell(
        self,
        source: str,
        faults: Mapping[str, Fault],
        now: float,
        *,
        since: Mapping[str, float] | None = None,
        again: float | None = None,
    ) -> None:
        """All that ``source`` finds amiss, by pools, seen ``since`` where that is not now.

        What it found before as well began when it was found first.
        """
        with self._lock:
            before = self._told.get(source, {})
            found = {}
            for pool, fault in faults.items():
                key = (pool, fault.cause)
                begun = before[key].since if key in before else (since or {}).get(pool, now)
                found[key] = Trouble(pool, fault.cause, fault.advice, begun, again)
            self._told[source] = found

    def clear(self, source: str) -> None:
        """``source`` finds nothing amiss."""
        with self._lock:
            self._told.pop(source, None)

    def all(self) -> list[Trouble]:
        """Each pool and cause once, those that have lasted longest first."""
        with self._lock:
            told = [one for found in self._told.values() for one in found.values()]
        once: dict[tuple[str, str], Trouble] = {}
        for one in sorted(told, key=lambda trouble: trouble.since):
            once.setdefault((one.pool, one.cause), one)
        return list(once.values())
