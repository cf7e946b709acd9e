"""What a policy hears of the queue and the devices, and how late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from ..snapshot import Load, Pool, Role, Snapshot, State, Worker
from .clock import Clock
from .fleet import Fleet
from .scenario import Signals
from .tasks import Tasks
from .work import Work

#: What was seen of the queue and the devices.
_Seen = tuple[Load, float | None]


class Watch:
    """Makes snapshots, and calls ``decide`` with one as often as ``signals`` have it.

    What happens every so many seconds begins at any moment of these, as ``random`` has it.
    """

    def __init__(
        self,
        signals: Signals,
        pools: tuple[Pool, ...],
        clock: Clock,
        fleet: Fleet,
        work: Work,
        tasks: Tasks,
        random: Random,
        decide: Callable[[Snapshot], object],
    ) -> None:
        self._signals, self._pools, self._clock = signals, pools, clock
        self._fleet, self._work, self._tasks = fleet, work, tasks
        self._decide = decide
        self._servers = {pool.name for pool in pools if pool.role is Role.MODEL_SERVER}
        self._scraped = self._told = self.look()
        self._every(signals.every, random, self._due)
        if signals.scrape:
            self._every(signals.scrape, random, self._scrape)
        if signals.rule:
            self._every(signals.rule, random, self._tell)
        if signals.waking:
            self._every(signals.waking, random, self._wake)

    def look(self) -> _Seen:
        """The queue and the use of the devices as they are now."""
        load = replace(self._tasks.load(self._clock.now), inference=self._work.inference)
        return load, self._work.device.use()

    def _every(self, seconds: float, random: Random, call: Callable[[], object]) -> None:
        def again() -> None:
            call()
            self._clock.after(seconds, again)

        self._clock.after(seconds * random.random(), again)

    def _scrape(self) -> None:
        self._scraped = self.look()

    def _tell(self) -> None:
        self._told = self._scraped

    def _due(self) -> None:
        workers = self._fleet.workers()
        if self._signals.waking and not self._awake(workers):
            return
        direct = self.look() if not self._signals.scrape else self._scraped
        self._ask(workers, self._told if self._signals.rule else direct)

    def _wake(self) -> None:
        workers = self._fleet.workers()
        if not self._awake(workers):
            self._ask(workers, self.look())

    def _awake(self, workers: Sequence[Worker]) -> bool:
        """Whether there are model servers, or such as were asked for."""
        return any(one.pool in self._servers and one.state is not State.DRAINING for one in workers)

    def _ask(self, workers: Sequence[Worker], seen: _Seen) -> None:
        load, use = seen
        self._decide(
            Snapshot(
                self._clock.now, self._pools, tuple(workers), (load,), use, self._fleet.spent()
            )
        )
