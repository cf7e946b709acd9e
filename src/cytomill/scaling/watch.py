"""Looks at the queue and at the workers: makes the snapshot on which a decision rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..jobs.queue import Queue
from ..jobs.servers import Servers
from .driver import Driver, Trouble
from .measure import MINUTES, Notes, Served, Startups, Using
from .snapshot import Load, Pool, Role, Snapshot, State, Worker

#: Seconds for which what a worker told is true.
_WITHIN = 15.0

#: Seconds of silence of one that was ready after which it is told that something is wrong.
_SILENT = 60.0


@dataclass(slots=True)
class _Known:
    """What is remembered of a worker. Times are seconds since 1970, 0 where it has not been."""

    ready: float = 0.0
    heard: float = 0.0
    worked: float = 0.0
    busy: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class _Beat:
    """What a worker tells: tasks or inferences in hand, and how it is.

    ``idle`` is the seconds since it had any, None where it does not tell.
    """

    busy: int
    draining: bool
    idle: float | None = None
    requests: int = 0


class Watch:
    """Makes snapshots, and remembers from one to the next what they need.

    Workers are those of ``driver``. It is ready as soon as it tells of itself in the queue's Redis;
    where it falls silent it is taken to be as it was, for what it has in hand must not be lost.
    """

    def __init__(self, queue: Queue, servers: Servers, driver: Driver, notes: Notes) -> None:
        self._queue, self._servers, self._driver, self._notes = queue, servers, driver, notes
        self._known: dict[str, _Known] = {}
        self._startups, self._using = Startups(), Using()
        self._silent: dict[str, list[Worker]] = {}
        self._begun = float("inf")

    def look(self, now: float, pools: Sequence[Pool], spent: float = 0.0) -> Snapshot:
        """How things are; ``now`` is in seconds since 1970.

        Raises `QueueAwayError` where Redis does not answer.
        """
        if self._begun > now:
            self._startups, self._using = self._notes.read()
            self._begun = now
        queues = self._queue.queues()
        numbers = [(name, self._queue.numbers(name)) for name in queues]
        beats = self._consumers(queues) | self._announced(now)
        roles = {pool.name: pool.role for pool in pools}
        workers = [one for one in self._driver.workers() if one.pool in roles]
        self._known = {one.id: self._known.get(one.id, _Known()) for one in workers}
        self._silent = {}
        seen = tuple(self._seen(one, beats.get(one.id), now) for one in workers)
        self._notes.write(self._startups, self._using)
        share = self._using.share() if Role.MODEL_SERVER in roles.values() else 0.0
        return Snapshot(
            now,
            tuple(
                replace(pool, startup=self._startups.of(pool.name, pool.startup)) for pool in pools
            ),
            seen,
            tuple(
                Load(name, n.waiting, n.running, n.age, n.seconds, n.seconds * share)
                for name, n in numbers
            ),
            self._using.use(),
            spent,
        )

    def troubles(self, now: float) -> list[Trouble]:
        """Workers that were ready and do not tell of themselves any more, by pool."""
        return [
            Trouble(
                pool,
                f"{len(workers)} of its workers were not heard of for a minute or longer",
                f"look whether they reach Redis, or hang: {', '.join(one.id for one in workers)}",
                min(self._known[one.id].heard for one in workers),
            )
            for pool, workers in self._silent.items()
        ]

    def _consumers(self, queues: Sequence[str]) -> dict[str, _Beat]:
        names = self._queue.consumers(_WITHIN)
        # A heartbeat is some seconds old: the queue knows what was taken since.
        held = self._queue.hands(queues)
        return {
            name: _Beat(
                max(held.get(name, 0), len(told.get("doing", ()))),
                bool(told.get("draining", False)),
                told.get("idle"),
            )
            for name, told in zip(names, self._queue.told_by(names), strict=True)
            if told
        }

    def _announced(self, now: float) -> dict[str, _Beat]:
        found = self._servers.servers(_WITHIN)
        minutes = {one.time: one.seconds for one in self._queue.minutes(MINUTES)}
        served = {one.name: _served(one.told) for one in found if not one.told["draining"]}
        self._using.add(now, served, minutes)
        return {
            one.name: _Beat(
                one.told["running"] + one.told["waiting"],
                one.told["draining"],
                requests=one.told["requests"],
            )
            for one in found
        }

    def _seen(self, worker: Worker, beat: _Beat | None, now: float) -> Worker:
        """A worker of the driver, with what it tells of itself."""
        known = self._known[worker.id]
        if beat is not None:
            if not known.ready:
                known.ready = known.worked = now
                # One that an earlier autoscaler asked for became ready nobody knows when.
                if known.heard or worker.since >= self._begun:
                    self._startups.add(worker.pool, now - worker.since)
            if beat.busy or beat.requests != known.requests:
                known.worked = now
            elif beat.idle is not None:
                known.worked = now - beat.idle
            known.heard, known.busy, known.requests = now, beat.busy, beat.requests
            state = State.DRAINING if beat.draining else State.READY
        elif known.ready:
            state = State.READY
            if now - known.heard > _SILENT:
                self._silent.setdefault(worker.pool, []).append(worker)
        else:
            known.heard = known.heard or now
            state = worker.state
        if worker.state is State.DRAINING:
            state = State.DRAINING
        idle = now - known.worked if state is State.READY and not known.busy else 0.0
        return replace(worker, state=state, busy=known.busy, idle=max(0.0, idle))


def _served(told: Mapping[str, Any]) -> Served:
    return Served(max(1, int(told["threads"])), float(told["busy_seconds"]))
