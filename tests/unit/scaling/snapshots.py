"""Snapshots of small clusters, for tests of policies and of steadying."""

from __future__ import annotations

from itertools import count

from cytomill.scaling.snapshot import Load, Pool, Role, Snapshot, State, Worker

NOW = 1_700_000_000.0

CONSUMERS = Pool("consumers", Role.CONSUMER, most=1000, startup=120.0, price=0.1)
SERVERS = Pool("servers", Role.MODEL_SERVER, most=100, startup=120.0, price=1.0)


def workers(pool, state=State.READY, number=1, **fields):
    """So many workers that are alike."""
    fields = {"since": NOW - 1000.0, **fields}
    return tuple(
        Worker(f"{pool.name}-{state}-{n}-{fields.get('busy', 0)}", pool.name, state, **fields)
        for n in range(number)
    )


def load(waiting=0, running=0, age=0.0, seconds=0.0, inference=0.0, queue="images"):
    return Load(queue, waiting, running, age, seconds, inference)


def seen(pools=(CONSUMERS, SERVERS), those=(), loads=(), use=None, spent=0.0, now=NOW):
    return Snapshot(now, tuple(pools), tuple(those), tuple(loads), use, spent)


def acted(snapshot, decision, after=0.0, numbers=None):
    """The snapshot after a decision: what was started is ready at once, what was stopped is gone.

    ``numbers`` makes the names of new workers.
    """
    numbers = numbers or count()
    stopped = {one.id for one in decision.stop}
    now = snapshot.now + after
    new = tuple(
        Worker(f"new-{next(numbers)}-{now}", pool, State.READY, snapshot.now)
        for pool, number in decision.start.items()
        for _ in range(number)
    )
    left = tuple(one for one in snapshot.workers if one.id not in stopped)
    return Snapshot(now, snapshot.pools, left + new, snapshot.loads, snapshot.use, snapshot.spent)
