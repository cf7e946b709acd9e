"""Jobs finished in time, with as few workers as that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..policy import Wish
from ..snapshot import Pool, Role, Snapshot
from .plan import Aim, plan
from .throughput import Throughput, lasting, told


@dataclass(frozen=True, slots=True)
class Deadline:
    """The fewest worker-hours with which all is done ``within`` seconds of its submission.

    What is in a queue is to be done by the time that its oldest job has. Fewer workers that work
    longer spend less of their time on starting: as few are wished for as finish just in time, and
    this is thought through anew from what is left, at the speeds measured, at each look. Where it
    cannot be, there are as many as `Throughput` would have.
    """

    within: float
    """Seconds from the submission of the oldest job until all is to be done."""

    spare: float = 0.1
    """Part of the time that is left which is not counted on."""

    policy: Throughput = field(default_factory=Throughput)
    """For what cannot be done in time."""

    name: ClassVar[str] = "deadline"
    period: ClassVar[float] = 0.0

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        """What it wishes for, by pool."""
        left = {
            one.queue: self.within - one.age
            for one in seen.loads
            if one.tasks and any(_can(pool, one.queue) for pool in seen.pools)
        }
        by = {name: max(0.0, seconds) * (1 - self.spare) for name, seconds in left.items()}
        found = plan(seen, self.policy.speeds, Aim(0.0, by, cheap=True))
        why = f"{lasting(min(left.values(), default=self.within))} until the deadline"
        if any(found.done(name) > seconds for name, seconds in left.items()):
            found = self.policy.plan(seen)
            late = max(found.done(name) - seconds for name, seconds in left.items())
            much = f", by {lasting(max(0.0, late))}" if math.isfinite(late) else ""
            why = f"the deadline cannot be met{much}"
        return {
            pool.name: Wish(found.count(pool), f"{why}; {told(found, pool)}") for pool in seen.pools
        }


def _can(pool: Pool, queue: str) -> bool:
    return pool.role is Role.CONSUMER and pool.most > 0 and pool.serves(queue)
