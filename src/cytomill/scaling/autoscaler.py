"""The autoscaler: looks, has the policy wish, steadies the wishes and has the driver act."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event

import redis

from ..errors import CytomillError, PermanentError
from ..jobs.queue import Queue
from ..jobs.servers import Servers
from ..pipelines.faults import reason
from .board import Board, PoolStatus, Status
from .driver import Driver, Trouble
from .lease import Holder, Lease
from .ledger import Ledger
from .measure import Notes
from .misfires import Misfires
from .policy import Policy, Wish
from .snapshot import Pool, Snapshot, State
from .steady import Decision, Memory, Steadying
from .watch import Watch

#: Seconds between two cycles: at least, however much happens, and at most.
_SOON, _LATE = 0.5, 2.0

#: Seconds until it tries again where Redis or something else failed: at first, and at most.
_AGAIN, _AT_MOST = 0.5, 30.0

Say = Callable[[str], object]


class Autoscaler:
    """Has as many workers run as ``policy`` wishes, by ``driver``; one for each installation.

    ``engine`` is where they run, in words for users, ``currency`` that of the pools' prices,
    ``patience`` the seconds that a worker with a place may take to become ready. ``tell`` is given
    each decision. ``say`` is given a line for what is amiss, ``log`` one for each change.
    """

    def __init__(
        self,
        client: redis.Redis,
        pools: Sequence[Pool],
        policy: Policy,
        driver: Driver,
        say: Say,
        *,
        steadying: Steadying | None = None,
        engine: str = "this machine",
        currency: str = "",
        patience: float = 600.0,
        tell: Callable[[Mapping[str, Wish]], object] = lambda _: None,
        log: Say | None = None,
    ) -> None:
        self._queue, self._board = Queue(client), Board(client)
        self._lease, self._ledger = Lease(client), Ledger(client)
        self._pools, self._policy, self._driver = tuple(pools), policy, driver
        self._steadying = steadying or Steadying(period=policy.period)
        self._engine, self._currency = engine, currency
        self._say, self._log, self._tell = say, log or say, tell
        self._watch = Watch(self._queue, Servers(client), driver, Notes(client))
        self._misfires = Misfires(patience)
        self._memory = Memory()
        self._stopped: set[str] = set()
        self._told: dict[tuple[str, str], Trouble] = {}
        self._after = "0-0"
        self._holds = False
        self._waits_for: Holder | None = None
        #: How things stood after the last decision; None before the first.
        self.status: Status | None = None
        #: Why it does not decide, though it should; empty where all is well.
        self.fault = "it has not decided yet"
        #: When it last went round, by the monotonic clock.
        self.turned = time.monotonic()

    def run(self, stop: Event, ready: Callable[[], object] = lambda: None) -> None:
        """Decide and act until ``stop`` is set, within 2 s and at once when the queue changes.

        ``ready`` is called after the first decision, or when another autoscaler is known to decide.
        In the end workers are left as they are. Raises `PermanentError` where the first try shows
        that it cannot be.
        """
        pause, is_ready = _AGAIN, False
        try:
            while not stop.is_set():
                begun = self.turned = time.monotonic()
                try:
                    if self._may_act():
                        self.cycle(time.time())
                    self.fault = ""
                    if not is_ready:
                        is_ready = True
                        ready()
                    pause = _AGAIN
                    self._wait(stop, begun)
                except Exception as error:
                    if isinstance(error, PermanentError) and not is_ready:
                        raise
                    self.fault = (
                        str(error) if isinstance(error, CytomillError) else reason(error, "a cycle")
                    )
                    told = f"workers are left as they are, again in {pause:g} s"
                    self._say(f"waits: {self.fault}; {told}")
                    stop.wait(pause)
                    pause = min(2 * pause, _AT_MOST)
        finally:
            if self._holds:
                with suppress(CytomillError):
                    self._board.clear()
                    self._lease.leave()

    def cycle(self, now: float) -> Decision:
        """Look, decide and act once; ``now`` is in seconds since 1970.

        Raises `QueueAwayError` where Redis does not answer; nothing was done then.
        """
        seen = self._watch.look(now, self._pools)
        self._ledger.charge(now, seen.pools, seen.workers)
        seen = replace(seen, spent=sum(self._ledger.spent().values()))
        self._misfires.look(seen, self._stopped)
        wishes = self._policy.wishes(seen)
        decision, self._memory = self._steadying.steady(seen, wishes, self._memory)
        self._act(seen, decision)
        self._tell(decision.wanted)
        troubles = self._misfires.troubles(self._driver.troubles()) + self._watch.troubles(now)
        self._say_troubles(troubles)
        self.status = self._status(seen, decision, troubles)
        self._board.write(self.status)
        return decision

    def _may_act(self) -> bool:
        """Whether this is the autoscaler of the installation; says so when that changes."""
        holder = self._lease.take()
        mine = holder == self._lease.me
        if mine and not self._holds:
            # What another one did meanwhile is not known here.
            self._ledger.forget_me()
            self._after = self._queue.last_event()
            self._memory = Memory()
            self._log(f"decides about {', '.join(pool.name for pool in self._pools)}")
        elif not mine and (self._holds or self._waits_for != holder):
            self._say(
                f"waits: another autoscaler has the lease ({holder}); takes over when it ends"
            )
        self._waits_for = None if mine else holder
        self._holds = mine
        return mine

    def _wait(self, stop: Event, begun: float) -> None:
        """Wait for the queue to change, or for the next cycle's time."""
        if not self._holds:
            stop.wait(_LATE)
            return
        stop.wait(max(0.0, begun + _SOON - time.monotonic()))
        left = begun + _LATE - time.monotonic()
        if left > 0 and not stop.is_set():
            events = self._queue.events(self._after, wait=left)
            self._after = events[-1].id if events else self._after

    def _act(self, seen: Snapshot, decision: Decision) -> None:
        there = {one.id for one in seen.workers}
        self._stopped &= there
        stop = list(decision.stop)
        stop += [one for one in self._misfires.overdue() if one not in stop]
        # An engine that was away may not have heard of it: who does not drain yet is asked again.
        anew = [one for one in stop if one.id not in self._stopped]
        for pool in seen.pools:
            count = decision.start.get(pool.name, 0)
            if self._misfires.held(pool, seen.now):
                count = 0
            ends = sum(one.pool == pool.name for one in anew)
            if count or ends:
                change = " and ".join(
                    [f"starts {count}"] * bool(count) + [f"stops {ends}"] * bool(ends)
                )
                wish = decision.wanted[pool.name]
                has = seen.count(pool)
                self._log(f"{pool.name}: {change}, has {has}, wants {wish.count}: {wish.why}")
            if count:
                self._driver.start(pool, count)
        if stop:
            self._stopped |= {one.id for one in stop}
            self._driver.stop(stop)

    def _say_troubles(self, troubles: Sequence[Trouble]) -> None:
        """Say what is new, and what is over."""
        now = {(one.pool, one.cause): one for one in troubles}
        for key in now.keys() - self._told.keys():
            one = now[key]
            self._say(f"{one.pool or self._engine}: {one.cause}; {one.advice}")
        for pool, cause in self._told.keys() - now.keys():
            self._say(f"{pool or self._engine}: over: {cause}")
        self._told = now

    def _status(self, seen: Snapshot, decision: Decision, troubles: Sequence[Trouble]) -> Status:
        spent = self._ledger.spent()
        return Status(
            seen.now,
            self._policy.name,
            self._engine,
            tuple(
                _pool_status(seen, pool, decision.wanted[pool.name], spent, troubles)
                for pool in seen.pools
            ),
            tuple(one for one in troubles if one.pool not in {pool.name for pool in seen.pools}),
            self._currency,
        )


def _pool_status(
    seen: Snapshot,
    pool: Pool,
    wish: Wish,
    spent: Mapping[str, float],
    troubles: Sequence[Trouble],
) -> PoolStatus:
    ready = seen.of(pool, State.READY)
    coming = seen.of(pool, State.ASKED) or seen.of(pool, State.STARTING)
    reasons = Counter(one.reason for one in coming if one.reason)
    return PoolStatus(
        name=pool.name,
        role=pool.role,
        pipelines=pool.pipelines,
        wanted=wish.count,
        why=wish.why,
        asked=len(seen.of(pool, State.ASKED)),
        starting=len(seen.of(pool, State.STARTING)),
        ready=len(ready),
        busy=sum(one.busy > 0 for one in ready),
        draining=len(seen.of(pool, State.DRAINING)),
        most=pool.most,
        reason=reasons.most_common(1)[0][0] if reasons else "",
        spent=spent.get(pool.name, 0.0),
        startup=pool.startup,
        troubles=tuple(one for one in troubles if one.pool == pool.name),
    )
