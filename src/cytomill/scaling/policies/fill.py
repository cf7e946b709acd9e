"""How many workers are worth having for an amount of work: arithmetic that policies share.

Work is taken to flow: n threads do n seconds of it in a second. Workers that are ready begin at
once, others when they will be ready. If worker i has t(i) threads and is ready in r(i) seconds,
work of W thread-seconds is done in D seconds, where the sum of t(i) x max(0, D - r(i)) is W.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..snapshot import Pool, Role, Snapshot, State, Worker

#: Part of a thread that is only rounding.
_ROUNDING = 1e-6

#: Whom the workers of a role work with, in words.
_OTHERS = {Role.CONSUMER: "the model servers", Role.MODEL_SERVER: "the consumers"}


@dataclass(frozen=True, slots=True)
class Work:
    """What a queue has for the workers of one role."""

    queue: str
    waiting: float
    running: float

    each: float
    """Seconds that a task has a thread of such a worker."""

    age: float = 0.0
    """Seconds since the oldest job with waiting tasks was submitted."""

    by: float = 0.0
    """Seconds from now until which it should be done; 0 for as soon as possible."""

    sure: bool = True
    """Whether ``each`` was measured."""

    @property
    def seconds(self) -> float:
        """Thread-seconds that are left; of a task that runs, half on average."""
        return (self.waiting + self.running / 2) * self.each


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits the workers of one role."""

    pays: float
    """Start-ups that a worker must find work for once it is ready, to be started."""

    doubt: float = 1.0
    """How many times as many where the speed of the work is only guessed."""

    use: Mapping[str, float] = field(default_factory=dict)
    """Threads of pools for the same queues together beyond which none is of use, by pool."""

    soon: Mapping[str, float] = field(default_factory=dict)
    """The same for the time at which a new worker would be ready."""

    first: Mapping[str, float] = field(default_factory=dict)
    """Seconds, by pool, before which a worker can do nothing, though it be ready."""

    cheap: bool = False
    """Whether new workers are taken by their price, and not by how soon they are ready."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How many workers of each pool are worth having, and what comes of it."""

    counts: Mapping[str, int]
    reasons: Mapping[str, str]
    """Why there are no more, in words, by pool."""

    done: Mapping[str, float]
    """Seconds until each queue's work is done; infinite where nobody does it."""

    threads: Mapping[str, float]
    """Threads for each queue, where those for several are shared by their work."""

    ready: tuple[tuple[float, int], ...]
    """Of each worker, in how many seconds it is ready, and its threads."""


@dataclass(slots=True)
class _Alike:
    """So many workers of a pool that are ready in so many seconds; no state where not there."""

    pool: Pool
    ready: float
    state: State | None
    count: int


@dataclass(slots=True)
class _Flow:
    """Work that is to be done ``by`` a time, and the workers that share it."""

    work: float
    by: float
    threads: float = 0.0
    head: float = 0.0
    done: float = math.inf

    def after(self, threads: float, ready: float) -> float:
        """When it is done with so many threads more, which are ready then."""
        if ready >= self.done or not threads:
            return self.done
        return (self.work + self.head + threads * ready) / (self.threads + threads)

    def add(self, threads: float, ready: float) -> None:
        """Have more threads share it."""
        if threads and ready < self.done:
            self.done = self.after(threads, ready)
            self.threads += threads
            self.head += threads * ready


def remaining(pool: Pool, worker: Worker, now: float) -> float:
    """Seconds until a worker will be ready.

    One that is late is taken to need a tenth of a start-up still, and half of one where its engine
    has no place for it: nobody knows when it will.
    """
    if worker.state is State.READY:
        return 0.0
    part = 0.5 if worker.state is State.ASKED else 0.1
    return max(part * pool.startup, pool.startup - (now - worker.since))


def fill(seen: Snapshot, pools: Sequence[Pool], works: Sequence[Work], bounds: Bounds) -> Filled:
    """How many workers of ``pools``, all of one role, are worth having for ``works``.

    Pools for few queues come first, and those for more get what is left. Each queue with tasks has
    one worker at least, where it may have any.
    """
    counts = {pool.name: 0 for pool in pools}
    reasons = {pool.name: "nothing is to be done" for pool in pools}
    done = {work.queue: math.inf for work in works}
    threads = {work.queue: 0.0 for work in works}
    left = {work.queue: 1.0 for work in works}
    taken: list[tuple[float, int]] = []
    groups: dict[tuple[str, ...], list[Pool]] = {}
    for pool in pools:
        served = tuple(work.queue for work in works if pool.serves(work.queue))
        groups.setdefault(served, []).append(pool)
    for served, members in sorted(groups.items(), key=lambda one: (len(one[0]), one[0])):
        mine = [_part(work, left[work.queue]) for work in works if work.queue in served]
        if not mine:
            continue
        forced = any(math.isinf(done[work.queue]) for work in mine)
        total = _fill(seen, members, mine, bounds, forced, counts, reasons, taken)
        later = [
            pool for other, those in groups.items() if len(other) > len(served) for pool in those
        ]
        every = sum(counts[pool.name] * pool.threads for pool in members)
        for work in mine:
            done[work.queue] = min(done[work.queue], total.done)
            part = work.seconds / total.work if total.work else 1.0 / len(mine)
            threads[work.queue] += every * part
            others = [pool.startup for pool in later if pool.serves(work.queue)]
            if others and total.work:
                # Those for more queues come in where these are not done by the time they pay.
                until = (1 + bounds.pays) * min(others)
                flown = max(0.0, total.threads * until - total.head)
                left[work.queue] *= max(0.0, 1.0 - flown / total.work)
    return Filled(counts, reasons, done, threads, tuple(taken))


def _part(work: Work, share: float) -> Work:
    """What is left of a queue's work."""
    return replace(
        work, waiting=math.ceil(work.waiting * share), running=math.ceil(work.running * share)
    )


def _fill(
    seen: Snapshot,
    pools: Sequence[Pool],
    works: Sequence[Work],
    bounds: Bounds,
    forced: bool,
    counts: dict[str, int],
    reasons: dict[str, str],
    taken: list[tuple[float, int]],
) -> _Flow:
    """Fill pools for the same queues together; returns how their whole work is done."""
    waiting = sum(one.waiting for one in works)
    tasks = waiting + sum(one.running for one in works)
    flows = _flows(works)
    age = max(one.age for one in works)
    pays = bounds.pays * (bounds.doubt if any(not one.sure for one in works) else 1.0)
    threads = coming = 0
    for pool in pools:
        reasons[pool.name] = "all that may be had"

    def refused(one: _Alike, before: int) -> str:
        """Why one more is not worth having beside ``before`` like it; empty where it is."""
        pool, new = one.pool, one.state is None
        more = before * pool.threads
        limit = (bounds.soon if new else bounds.use).get(pool.name, math.inf)
        if forced and tasks and limit > 0 and not threads + more:
            return ""
        beside = coming if one.state is not State.READY else threads
        if beside + more >= (waiting if one.state is not State.READY else tasks):
            return "there are no tasks for more"
        done = flows[-1].after(more, one.ready)
        if one.state is not State.READY and one.ready >= done:
            return "all will be done before more are ready"
        useful = flows[-1].after(more + pool.threads, one.ready) - one.ready
        if new and useful < pays * _patience(pool, age):
            return f"more would find too little to do once they are ready, in {one.ready:.0f} s"
        if threads + more >= limit - _ROUNDING:
            return f"{_OTHERS[pool.role]} can use no more"
        if not any(flow.after(more, one.ready) > flow.by for flow in flows):
            return "these finish in time"
        return ""

    for one in _candidates(seen, pools, bounds):
        # Where one is refused, so are all after it: the first of these is looked for by halves.
        first = bisect_left(range(one.count), True, key=lambda before: bool(refused(one, before)))
        if first < one.count:
            reasons[one.pool.name] = refused(one, first)
        more = first * one.pool.threads
        counts[one.pool.name] += first
        taken += [(one.ready, one.pool.threads)] * first
        threads += more
        if one.state is not State.READY:
            coming += more
        for flow in flows:
            flow.add(more, one.ready)
    return flows[-1]


def _patience(pool: Pool, age: float) -> float:
    """A start-up; half of one where the oldest job has waited for one or longer."""
    if not pool.startup:
        return 0.0
    return pool.startup * (1.0 - 0.5 * min(1.0, age / pool.startup))


def _flows(works: Sequence[Work]) -> list[_Flow]:
    """Work by the time it is to be done, each with all that is more urgent: all of it last."""
    flows: list[_Flow] = []
    sofar = 0.0
    for work in sorted(works, key=lambda one: one.by):
        sofar += work.seconds
        if flows and flows[-1].by == work.by:
            flows[-1].work = sofar
        else:
            flows.append(_Flow(sofar, work.by))
    return flows


def _candidates(seen: Snapshot, pools: Sequence[Pool], bounds: Bounds) -> list[_Alike]:
    """Workers that there are, then those that there might be, the soonest ready first."""
    there: list[_Alike] = []
    might: list[_Alike] = []
    for pool in pools:
        first = bounds.first.get(pool.name, 0.0)
        workers = seen.of(pool, State.ASKED, State.STARTING, State.READY)
        alike = Counter((max(first, remaining(pool, one, seen.now)), one.state) for one in workers)
        there += [_Alike(pool, ready, state, count) for (ready, state), count in alike.items()]
        might.append(_Alike(pool, max(first, pool.startup), None, max(0, pool.most - len(workers))))
    there.sort(key=lambda one: (one.ready, one.state is not State.READY))
    if bounds.cheap:
        might.sort(key=lambda one: (one.pool.price / one.pool.threads, one.ready))
    else:
        might.sort(key=lambda one: (one.ready, one.pool.price / one.pool.threads))
    return there + might
