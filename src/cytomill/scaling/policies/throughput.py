"""The queue drained as soon as pays: the default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..policy import Wish
from ..snapshot import Pool, Role, Snapshot
from .plan import Aim, Plan, Speeds, plan


@dataclass(frozen=True, slots=True)
class Throughput:
    """As many workers as drain the queue soonest, and none that would find too little to do.

    A new one is started where, once it is ready, it will work for ``pays`` start-ups at least while
    all others work too. That is less where jobs wait for long: half of it where the oldest has
    waited for as long as a worker takes to start.
    """

    pays: float = 0.5
    """Start-ups that a worker must find work for, to be started: at 0.5 the last one, which has the
    least to do, is at work for a third of its time."""

    speeds: Speeds = field(default_factory=Speeds)

    name: ClassVar[str] = "throughput"
    period: ClassVar[float] = 0.0

    def plan(self, seen: Snapshot) -> Plan:
        """The workers that are worth having."""
        return plan(seen, self.speeds, Aim(self.pays))

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        """What it wishes for, by pool."""
        found = self.plan(seen)
        return {pool.name: Wish(found.count(pool), told(found, pool)) for pool in seen.pools}


def told(found: Plan, pool: Pool) -> str:
    """Why a plan has so many workers of a pool, in words for operators."""
    seconds = found.needs[pool.name]
    if not found.count(pool) and not seconds:
        return found.reason(pool)
    what = "tasks" if pool.role is Role.CONSUMER else "inference"
    done = found.seconds(pool)
    then = f"done in {lasting(done)}" if math.isfinite(done) else "and nobody for it"
    return f"{lasting(seconds)} of {what} left, {then}; {found.reason(pool)}"


def lasting(seconds: float) -> str:
    """A time in words: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
