"""As much as a sum of money buys, and never more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..policy import Wish
from ..snapshot import Pool, Role, Snapshot, State, Worker
from .fill import remaining
from .plan import Plan
from .throughput import Throughput, told


@dataclass(frozen=True, slots=True)
class Budget:
    """As `Throughput`, for ``budget`` at most.

    What workers will cost until they have ended is kept for it at any time: what they have in hand,
    and what it takes to notice and to end. Once no more than that is left, consumers finish what
    they have in hand and end, and the model servers after them. New workers are started where their
    start-up leaves the money for all that is to be done, or is a small part of what is left.
    """

    budget: float
    """In the unit of the pools' prices, for all workers since the count of `Snapshot.spent`."""

    notice: float = 15.0
    """Seconds that may pass until something is done about what was spent."""

    ending: float = 90.0
    """Seconds for which a worker costs when it has nothing in hand any more: its node is let go."""

    tail: float = 3.0
    """How many times the mean of its kind a task in hand may still take."""

    starts: float = 0.25
    """Part of the money not spent that workers may cost to start and to end where not all can be
    done for it."""

    least: float = 0.05
    """Part of the budget below which nothing new is started."""

    policy: Throughput = field(default_factory=Throughput)

    name: ClassVar[str] = "budget"
    period: ClassVar[float] = 0.0

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        """What it wishes for, by pool."""
        pools = {pool.name: pool for pool in seen.pools}
        kept = sum(self._kept(seen, pools[one.pool], one) for one in seen.workers)
        left = self.budget - seen.spent - kept
        if left <= 0:
            return {pool.name: self._end(seen, pool, kept) for pool in seen.pools}
        found = self.policy.plan(seen)
        more = {pool.name: max(0, found.count(pool) - seen.count(pool)) for pool in seen.pools}
        may = self._affordable(seen, found, left)
        wishes = {}
        for pool in seen.pools:
            held = max(0, more[pool.name] - may[pool.name])
            why = told(found, pool)
            if held:
                why = f"the budget holds back {held} more, for {left:.2f} is left of it; {why}"
            wishes[pool.name] = Wish(found.count(pool) - held, why)
        return wishes

    def _end(self, seen: Snapshot, pool: Pool, kept: float) -> Wish:
        """What a pool may have when no more money is left than workers need to end."""
        why = f"the budget of {self.budget:g} is used up: {seen.spent:.2f} are spent"
        if kept:
            why += f", and {kept:.2f} kept for what still runs"
        if pool.role is Role.MODEL_SERVER and self._serves_still(seen):
            return Wish(seen.count(pool), f"{why}; consumers finish what they have in hand", True)
        return Wish(0, why, True)

    def _serves_still(self, seen: Snapshot) -> bool:
        """Whether consumers still need model servers, and there is money for these to end later."""
        roles = {pool.name: pool.role for pool in seen.pools}
        prices = {pool.name: pool.price for pool in seen.pools}
        ending = sum(prices[one.pool] for one in seen.workers) * self.ending / 3600
        working = any(one.busy and roles[one.pool] is Role.CONSUMER for one in seen.workers)
        return working and seen.spent + ending < self.budget

    def _kept(self, seen: Snapshot, pool: Pool, worker: Worker) -> float:
        """What a worker will cost until it has ended, if it is told to now."""
        if worker.state is State.ASKED:
            return pool.price * self.notice / 3600
        seconds = self.notice + self.ending
        if worker.state is not State.STARTING:
            seconds += self._longest(seen, pool)
        return pool.price * seconds / 3600

    def _longest(self, seen: Snapshot, pool: Pool) -> float:
        """Seconds that a task in hand may still take."""
        mean = max(
            (one.seconds or self.policy.speeds.seconds for one in seen.loads_of(pool) if one.tasks),
            default=0.0,
        )
        return self.tail * mean

    def _affordable(self, seen: Snapshot, found: Plan, left: float) -> dict[str, int]:
        """How many more of each pool there is money for: consumers for the model servers there may
        be, and neither without the other."""
        costs = {
            pool.name: pool.price
            * (pool.startup + self.notice + self.ending + self._longest(seen, pool))
            / 3600
            for pool in seen.pools
        }
        work = sum(found.needs[pool.name] / pool.threads * pool.price / 3600 for pool in seen.pools)
        # What those that there are took to start is not spent once more on others.
        there = {pool.name: costs[pool.name] * seen.count(pool) for pool in seen.pools}
        starts = self.starts * (self.budget - seen.spent)
        free = left - sum(
            pool.price * remaining(pool, one, seen.now) / 3600
            for pool in seen.pools
            for one in seen.of(pool, State.ASKED, State.STARTING)
        )
        if left < self.least * self.budget and any(costs.values()):
            free = 0.0
        consumers = [pool for pool in seen.pools if pool.role is Role.CONSUMER]
        servers = [pool for pool in seen.pools if pool.role is Role.MODEL_SERVER]
        more: dict[str, int] = {}
        share = 1.0
        kept = 0.0 if any(map(seen.count, consumers)) else _cheapest(consumers, costs)
        for pools in (servers, consumers):
            wanted = {
                pool.name: max(0, math.ceil(share * found.count(pool)) - seen.count(pool))
                for pool in pools
            }
            spent = sum(there[pool.name] for pool in pools)
            money = min(free, max(free - work, starts - spent)) - kept
            alone = {pool.name for pool in pools if not seen.count(pool)}
            some = _bought(wanted, costs, money, alone)
            more |= some
            free -= sum(costs[name] * count for name, count in some.items())
            planned = sum(map(found.count, pools))
            share = sum(seen.count(pool) + some[pool.name] for pool in pools) / max(1, planned)
            share, kept = (min(1.0, share) if planned else 1.0), 0.0
        if not any(seen.count(pool) + more[pool.name] for pool in consumers):
            more |= dict.fromkeys((pool.name for pool in servers), 0)
        return more


def _cheapest(pools: list[Pool], costs: Mapping[str, float]) -> float:
    return min((costs[pool.name] for pool in pools), default=0.0)


def _bought(
    wanted: Mapping[str, int], costs: Mapping[str, float], money: float, alone: set[str]
) -> dict[str, int]:
    """The largest like part of ``wanted`` that there is money for; one at least of ``alone``."""

    def part(share: float) -> dict[str, int]:
        return {
            name: min(count, max(math.floor(share * count), int(name in alone)))
            for name, count in wanted.items()
        }

    def affordable(share: float) -> bool:
        return sum(costs[name] * count for name, count in part(share).items()) <= money

    if affordable(1.0):
        return part(1.0)
    if not affordable(0.0):
        return dict.fromkeys(wanted, 0)
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if affordable(middle) else (low, middle)
    return part(low)
