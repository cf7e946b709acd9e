"""Counts of consumers and model servers that fit each other, for what the queues have to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..snapshot import Load, Pool, Role, Snapshot, State
from .devices import Devices
from .fill import Bounds, Filled, Work, fill, remaining

#: Seconds that consumers may be ready before the first model server is.
_EARLY = 5.0


@dataclass(frozen=True, slots=True)
class Speeds:
    """How speeds are guessed until they are measured, and how far they are trusted."""

    seconds: float = 3.5
    """Seconds that a task has a consumer's thread until any has ended: an image of the Kiosk's."""

    inference: float = 0.15
    """Seconds of these that it has a model server's thread: the Kiosk's did 5 to 10 a second."""

    images: float = 20.0
    """Images of a job in a queue of which no task has ended and that has no consumer yet: until
    one looks into the job, it is one task."""

    doubt: float = 2.0
    """How many times as much a worker must find to do where that is only guessed."""

    spare: float = 1.1
    """Consumers for each that model servers need, so that no device waits for one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Workers that are worth having."""

    servers: Filled
    consumers: Filled
    soonest: Mapping[str, float]
    """Seconds in which consumers could be done with each queue if there were as many as pay; 0
    where they wait for model servers."""

    needs: Mapping[str, float]
    """Thread-seconds that are left, by pool."""

    def count(self, pool: Pool) -> int:
        """How many of a pool."""
        return self._side(pool).counts[pool.name]

    def reason(self, pool: Pool) -> str:
        """Why there are no more of it, in words."""
        return self._side(pool).reasons[pool.name]

    def done(self, queue: str) -> float:
        """Seconds until a queue has nothing left to do; infinite where nobody does it."""
        if queue in self.servers.done:
            return max(self.servers.done[queue], self.soonest[queue])
        return self.consumers.done.get(queue, math.inf)

    def seconds(self, pool: Pool) -> float:
        """Seconds until a pool has nothing left to do."""
        done = self._side(pool).done
        return max((done[name] for name in done if pool.serves(name)), default=0.0)

    def _side(self, pool: Pool) -> Filled:
        return self.consumers if pool.role is Role.CONSUMER else self.servers


@dataclass(frozen=True, slots=True)
class Aim:
    """What a plan is for: to be done as soon as pays, or with few workers in time."""

    pays: float
    """Start-ups that a worker must find work for once it is ready, to be started."""

    by: Mapping[str, float] = field(default_factory=dict)
    """Seconds from now until which a queue should be done; as soon as possible where it has none.
    """

    cheap: bool = False
    """Whether new workers are taken by their price, and not by how soon they are ready."""


def plan(seen: Snapshot, speeds: Speeds, aim: Aim) -> Plan:
    """Workers of all pools of ``seen``.

    Model servers are as many as find enough to do and as consumers can keep busy; consumers as many
    as keep these busy, and not before they are there.
    """
    loads = [one for one in seen.loads if one.tasks > 0]
    consumers = [pool for pool in seen.pools if pool.role is Role.CONSUMER]
    servers = [pool for pool in seen.pools if pool.role is Role.MODEL_SERVER]
    needed = {
        one.queue for one in loads if any(pool.most and pool.serves(one.queue) for pool in servers)
    }
    own = [
        replace(_work(seen, consumers, one, speeds), by=aim.by.get(one.queue, 0.0)) for one in loads
    ]
    device = [
        replace(work, each=one.inference if one.seconds else speeds.inference)
        for one, work in zip(loads, own, strict=True)
        if one.queue in needed
    ]
    bounds = Bounds(aim.pays, speeds.doubt, cheap=aim.cheap)
    soonest = dict.fromkeys(needed, 0.0)
    limits: dict[str, float] = {}
    devices = Devices.of(seen)
    if not devices.full:
        free = fill(seen, consumers, [replace(one, by=0.0) for one in own], bounds)
        limits = _threads(servers, device, free, own, speeds.spare)
        soonest = {name: free.done[name] for name in needed}
    served = fill(seen, servers, device, replace(bounds, use=limits, soon=limits))
    # Fewer consumers than the model servers can use would only have these wait for them.
    keen = [replace(one, by=0.0) if one.queue in needed else one for one in own]
    bounds = _fitting(bounds, consumers, keen, device, served, devices, speeds.spare)
    using = fill(seen, consumers, keen, bounds)
    needs = {
        pool.name: sum(one.seconds for one in works if pool.serves(one.queue))
        for pools, works in ((servers, device), (consumers, own))
        for pool in pools
    }
    return Plan(_in_time(seen, servers, served, consumers, using), using, soonest, needs)


def _work(seen: Snapshot, consumers: list[Pool], load: Load, speeds: Speeds) -> Work:
    """What a queue has for consumers, as far as it is known."""
    there = (State.READY, State.DRAINING)
    opened = any(seen.of(pool, *there) for pool in consumers if pool.serves(load.queue))
    waiting = float(load.waiting)
    if not load.seconds and not opened:
        waiting *= speeds.images
    each = load.seconds or speeds.seconds
    return Work(load.queue, waiting, load.running, each, load.age, sure=bool(load.seconds))


def _threads(
    pools: list[Pool], works: list[Work], others: Filled, theirs: list[Work], spare: float
) -> dict[str, float]:
    """Threads that do ``works`` as fast as ``others`` do ``theirs``, by pool, and some to spare."""
    each = {one.queue: one.each for one in theirs}
    needed = {
        one.queue: others.threads[one.queue] * one.each / each[one.queue]
        if one.each and each[one.queue]
        else math.inf
        for one in works
        if one.queue in each
    }
    return {
        pool.name: spare * sum(count for name, count in needed.items() if pool.serves(name))
        for pool in pools
    }


def _fitting(
    bounds: Bounds,
    consumers: list[Pool],
    works: list[Work],
    theirs: list[Work],
    served: Filled,
    devices: Devices,
    spare: float,
) -> Bounds:
    """``bounds`` with what limits pools of consumers all of whose tasks need model servers."""
    needed = {one.queue for one in theirs}
    every = sum(threads for _, threads in served.ready)
    first = min((ready for ready, _ in served.ready), default=0.0)
    limits = _threads(consumers, works, served, theirs, devices.spare(spare))
    use: dict[str, float] = {}
    soon: dict[str, float] = {}
    after: dict[str, float] = {}
    for pool in consumers:
        queues = {one.queue for one in works if pool.serves(one.queue)}
        if not queues or not queues <= needed:
            continue
        limit = min(limits[pool.name], devices.crowd(spare) * every)
        by_then = sum(threads for ready, threads in served.ready if ready <= pool.startup + _EARLY)
        use[pool.name] = limit
        # One comes at once: what is in a job is only known when a consumer has looked.
        soon[pool.name] = max(1.0, limit * by_then / every if by_then else 0.0)
        after[pool.name] = first
    return replace(bounds, use=use, soon=soon, first=after)


def _in_time(
    seen: Snapshot, servers: list[Pool], served: Filled, consumers: list[Pool], using: Filled
) -> Filled:
    """Model servers without those that would be ready long before the first consumer is."""
    waits = [
        remaining(pool, one, seen.now)
        for pool in consumers
        for one in seen.of(pool, State.ASKED, State.STARTING, State.READY)
    ] or [pool.startup for pool in consumers if using.counts[pool.name]]
    first = min(waits, default=0.0)
    counts, reasons = dict(served.counts), dict(served.reasons)
    for pool in servers:
        if first > pool.startup + _EARLY and counts[pool.name] > seen.count(pool):
            counts[pool.name] = seen.count(pool)
            reasons[pool.name] = f"more are started when consumers are nearly there: {first:.0f} s"
    return replace(served, counts=counts, reasons=reasons)
