"""The driver for Kubernetes, which owns the pods: it watches them and has wishes stand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...errors import TemporaryError
from ...jobs.queue import Queue
from ...jobs.servers import Servers
from ..driver import Trouble
from ..policy import Wish
from ..snapshot import Pool, Role, State, Worker

#: Seconds after which a worker that is not heard of is gone.
WITHIN = 15.0

#: Seconds in which Kubernetes ends a pod that is not wanted any more: its autoscaler looks every
#: 15 s, and what is longer is a pod that it chose not to end.
_ENDING = 120.0

#: Times its start-up, and seconds at least, after which a pod that has not come is a trouble.
_LATE, _SOONEST = 3.0, 180.0

#: Part of its pods that Kubernetes may have too few of: the tolerance of its autoscaler.
_TOLERANCE = 0.1


@dataclass(slots=True)
class _Pool:
    """A pool and what is expected of it."""

    pool: Pool
    asked: list[Worker] = field(default_factory=list)
    """Those asked for that have not come, oldest first."""

    ending: dict[str, float] = field(default_factory=dict)
    """Those not wanted any more, and until when they may take to end."""

    there: dict[str, Worker] = field(default_factory=dict)

    def told(self) -> Iterator[Worker]:
        """All of it, as the autoscaler is to see it."""
        for name, worker in self.there.items():
            yield replace(worker, state=State.DRAINING) if name in self.ending else worker
        yield from self.asked


class Watching:
    """Tells which workers there are by what they tell of themselves; starts and stops none.

    A worker named ``POOL.ANYTHING`` is one of that pool; others are none of Kubernetes'.

    Those that were asked for are told as ``ASKED`` until as many have come, and those to stop as
    ``DRAINING`` until as many have gone: which pods end is up to Kubernetes. It ends them by
    SIGTERM, on which they finish or give back what they have in hand.

    A worker that was not heard of for ``within`` seconds is gone; after the queue was away they all
    have as long to find it again.
    """

    def __init__(
        self,
        queue: Queue,
        servers: Servers,
        pools: Sequence[Pool],
        *,
        within: float = WITHIN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._queue, self._servers = queue, servers
        self._within, self._clock = within, clock
        self._pools = {pool.name: _Pool(pool) for pool in pools}
        self._numbers = 0
        self._busy: Counter[str] = Counter()
        self._away: Trouble | None = None
        self._back = float("-inf")

    def workers(self) -> Sequence[Worker]:
        """Those that tell of themselves, and those that were asked for and have not come."""
        self._look_around()
        return [worker for one in self._pools.values() for worker in one.told()]

    def start(self, pool: Pool, count: int) -> None:
        """Expect ``count`` more."""
        one, now = self._pools[pool.name], self._clock()
        one.pool = pool
        for _ in range(count):
            if one.ending:  # wanted again before Kubernetes has ended it
                one.ending.popitem()
                continue
            self._numbers += 1
            name = f"{pool.name}.asked-{self._numbers}"
            one.asked.append(
                Worker(name, pool.name, State.ASKED, now, reason="their pods are not ready yet")
            )

    def stop(self, workers: Sequence[Worker]) -> None:
        """Expect that as many go; those that have not come are expected no more."""
        until = self._clock() + _ENDING
        for worker in workers:
            one = self._pools[worker.pool]
            if worker.id in one.there:
                one.ending.setdefault(worker.id, until)
            else:
                one.asked = [x for x in one.asked if x.id != worker.id]

    def kept(self, wishes: Mapping[str, Wish]) -> Mapping[str, Wish]:
        """What Kubernetes is to be told: no fewer than have work in hand, but for firm wishes.

        It might choose any of them.
        """
        return {
            name: replace(wish, count=self._busy[name], why=f"{wish.why}; so many are busy")
            if wish.count < self._busy[name] and not wish.firm
            else wish
            for name, wish in wishes.items()
        }

    def troubles(self) -> Sequence[Trouble]:
        """That the queue is away, or that pods do not come."""
        self._look_around()
        found = [] if self._away is None else [self._away]
        now = self._clock()
        for one in self._pools.values():
            patience = max(_SOONEST, _LATE * one.pool.startup)
            late = [worker for worker in one.asked if now - worker.since > patience]
            if not late or len(one.asked) <= _TOLERANCE * (len(one.there) + len(one.asked)):
                continue
            found.append(
                Trouble(
                    one.pool.name,
                    "pods that were asked for do not come",
                    "Kubernetes knows why: kubectl get pods, kubectl describe pod NAME; without a "
                    "node it is a quota or machines that are not to be had, without an image its "
                    "name or the right to pull it",
                    min(worker.since for worker in late),
                )
            )
        return found

    def close(self) -> None:
        """Nothing is held; the pods go on."""

    def _look_around(self) -> None:
        now = self._clock()
        try:
            found = list(self._told())
        except TemporaryError as error:
            since = self._away.since if self._away else now
            advice = "the autoscaler asks again in a moment; see that Redis runs"
            self._away = Trouble("", str(error).split(";")[0], advice, since, now)
        else:
            if self._away is not None:
                self._away, self._back = None, now
            self._busy = Counter(
                worker.pool for worker, busy in found if busy and worker.state is State.READY
            )
            for one in self._pools.values():
                there = {worker.id: worker for worker, _ in found if worker.pool == one.pool.name}
                self._look(one, there, now)

    def _told(self) -> Iterator[tuple[Worker, bool]]:
        """All that tell of themselves and belong to a pool, and whether each has work in hand."""
        names = self._queue.consumers(self._within)
        consumers = zip(names, self._queue.told_by(names), strict=True)
        servers = ((one.name, one.told) for one in self._servers.servers(self._within))
        for role, beats in ((Role.CONSUMER, consumers), (Role.MODEL_SERVER, servers)):
            for name, beat in beats:
                one = self._pools.get(name.split(".")[0])
                if one is None or one.pool.role is not role or not beat:
                    continue
                state = State.DRAINING if beat.get("draining") else State.READY
                busy = beat.get("doing") or beat.get("running") or beat.get("waiting")
                yield Worker(name, one.pool.name, state, float(beat["since"])), bool(busy)

    def _look(self, one: _Pool, found: dict[str, Worker], now: float) -> None:
        """Take in what is there of a pool now."""
        if now - self._back < self._within:
            found = {**one.there, **found}
        new = found.keys() - one.there.keys()
        for name in sorted(new, key=lambda name: (found[name].since, name)):
            if one.asked:  # its start-up began when it was asked for
                since = min(one.asked.pop(0).since, found[name].since)
                found[name] = replace(found[name], since=since)
        for name, worker in one.there.items():
            if name in found:
                found[name] = replace(found[name], since=worker.since)
            gone = name not in found or found[name].state is State.DRAINING
            if gone and worker.state is not State.DRAINING and one.ending:
                # Kubernetes chose it: one that was meant stays in its stead.
                one.ending.pop(name if name in one.ending else next(iter(one.ending)))
        one.ending = {
            name: until for name, until in one.ending.items() if name in found and until > now
        }
        one.there = found
