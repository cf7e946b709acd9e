"""A simulation from its first job to its last node."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ..policy import Policy
from ..snapshot import Snapshot
from ..steady import Decision, Memory, Steadying
from .clock import BEGIN, Clock
from .fleet import Fleet
from .outcome import Diary, Outcome
from .scenario import DIRECT, Scenario, Signals
from .tasks import Memory as TasksInMemory
from .tasks import Tasks
from .watching import Watch
from .work import Work

#: Who decides.
Decide = Callable[[Snapshot], Decision]

#: Seconds after which a simulation ends, whatever is left; and without any image done.
_MOST, _STALLED = 30 * 86_400.0, 3600.0


def deciding(policy: Policy, steadying: Steadying) -> Decide:
    """Decides as the autoscaler does: `steady` holds a policy's wishes to what may be done now."""
    memory = Memory()

    def decide(seen: Snapshot) -> Decision:
        nonlocal memory
        decision, memory = steadying.steady(seen, policy.wishes(seen), memory)
        return decision

    return decide


class Simulation:
    """A cluster whose pools begin at none, with what ``scenario`` has it do.

    ``tasks`` is the queue, by default one in memory. A moment is kept every ``sampling`` seconds.
    """

    def __init__(
        self,
        scenario: Scenario,
        decide: Decide,
        signals: Signals = DIRECT,
        *,
        tasks: Tasks | None = None,
        sampling: float = 10.0,
    ) -> None:
        self._scenario, self._decide = scenario, decide
        self._tasks = tasks or TasksInMemory(scenario.bundle, listed=scenario.listed)
        self._clock = clock = Clock()
        # One for each, so that what one policy does leaves the luck of the rest as it was.
        effort, losses, phases = (
            Random(f"{scenario.seed} {what}") for what in ("effort", "losses", "phases")
        )
        self._fleet = Fleet(scenario, clock, losses)
        self._work = Work(clock, self._fleet, self._tasks, scenario.effort, effort)
        self._fleet.hands = self._work
        self._diary = Diary(BEGIN, sampling)
        self._pools = {pool.name: pool for pool in scenario.pools}
        self._came = 0
        self._arrive()
        self._watch = Watch(
            signals,
            scenario.pools,
            clock,
            self._fleet,
            self._work,
            self._tasks,
            phases,
            self._decided,
        )

    def run(self, most: float = _MOST) -> Outcome:
        """Go on until all is done and no node is left, or for ``most`` seconds.

        It also ends where nothing was done for an hour, and longer than things take.
        """
        scenario = self._scenario
        effort, nodes = scenario.effort, [scenario.nodes_of(pool) for pool in scenario.pools]
        each = scenario.bundle * (effort.own + effort.inference)
        patience = _STALLED + 10 * (each + max(one.startup for one in nodes))
        while self._clock.now < BEGIN + most and not self._idle():
            self._clock.step()
            if self._clock.now - (self._work.last or BEGIN) > patience and self._all_came():
                break
        return self.outcome()

    def outcome(self) -> Outcome:
        """What it took so far."""
        work, fleet = self._work, self._fleet
        over = self._over() and work.last is not None
        return Outcome(
            work.done,
            work.last - BEGIN if over and work.last else None,
            work.first - BEGIN if work.first else None,
            self._clock.now - BEGIN if self._idle() else None,
            fleet.hours(),
            fleet.spent(),
            sum(fleet.losses.values()),
            tuple(self._diary.reversals),
            tuple(self._diary.samples),
        )

    def _all_came(self) -> bool:
        return self._came == self._scenario.arrivals.jobs

    def _over(self) -> bool:
        return self._all_came() and self._tasks.over()

    def _idle(self) -> bool:
        return self._fleet.empty() and self._over()

    def _arrive(self) -> None:
        arrivals = self._scenario.arrivals
        self._tasks.submit(arrivals.images, self._clock.now)
        self._came += 1
        self._work.feed()
        if self._came < arrivals.jobs:
            self._clock.after(arrivals.every, self._arrive)

    def _decided(self, seen: Snapshot) -> None:
        decision = self._decide(seen)
        self._diary.decided(seen, decision, self._fleet.losses)
        self._fleet.stop(decision.stop)
        for pool, count in decision.start.items():
            self._fleet.start(self._pools[pool], count)
