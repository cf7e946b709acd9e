"""What the use of the model servers' devices says of how many consumers they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from ..snapshot import Role, Snapshot, State

#: Use from which on devices are taken to have as much to do as they can.
_FULL = 0.95

#: Use of late from which on that of this moment, of few devices mostly chance, says something too.
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Devices:
    """Threads of model servers and consumers: those that are ready, and all that were asked for.

    ``use`` is the part of the last 15 s, 0 to 1, that those of model servers were busy, None where
    that is not known; ``busy`` are busy now, and ``calls`` wait for one. Of the consumers' so many
    are ``working``.
    """

    use: float | None
    ready: int
    busy: int
    calls: int
    working: int
    all_servers: int
    all_consumers: int

    @classmethod
    def of(cls, seen: Snapshot) -> Self:
        """Those of a snapshot."""
        servers = [pool for pool in seen.pools if pool.role is Role.MODEL_SERVER]
        consumers = [pool for pool in seen.pools if pool.role is Role.CONSUMER]
        ready = [(pool.threads, one.busy) for pool in servers for one in seen.of(pool, State.READY)]
        threads = sum(pool.threads * len(seen.of(pool, State.READY)) for pool in consumers)
        return cls(
            use=seen.use,
            ready=sum(threads for threads, _ in ready),
            busy=sum(min(threads, busy) for threads, busy in ready),
            calls=sum(max(0, busy - threads) for threads, busy in ready),
            working=min(threads, sum(one.running for one in seen.loads)),
            all_servers=sum(pool.threads * seen.count(pool) for pool in servers),
            all_consumers=sum(pool.threads * seen.count(pool) for pool in consumers),
        )

    @property
    def full(self) -> bool:
        """Whether they have as much to do as they can."""
        return self.use is not None and self.use >= _FULL

    @property
    def used(self) -> float | None:
        """Their use, of late or at this moment where that is more."""
        if self.use is None or self.use < _HALF or not self.ready:
            return self.use
        return max(self.use, self.busy / self.ready)

    def spare(self, spare: float) -> float:
        """How many times the consumers that are needed there should be: up to ``spare``.

        As many as needed where devices are busy, for tasks wait for these then: their seconds are
        as many as there are consumers, and more of them would make it more.
        """
        used = self.used
        if not used:
            return spare
        return 1.0 if used >= _FULL else min(spare, 1.0 / used)

    def crowd(self, spare: float) -> float:
        """Consumers' threads for each of model servers' beyond which more are of no use.

        Those that work keep devices busy for part of the time. For all of it, it takes no more in
        proportion, and fewer where calls wait for devices, with ``spare`` times those then needed.
        Where devices are full, no consumers are missing for any model server, here or to come.
        """
        if not self.used or not self.working or not self.ready:
            return math.inf
        working = min(float(self.working), spare * max(1, self.working - self.calls))
        crowd = working / (self.ready * self.used)
        return min(crowd, self.all_consumers / self.all_servers) if self.full else crowd
