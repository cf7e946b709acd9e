"""Workers that never become ready, or end as soon as they are: told, and tried ever more slowly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from .driver import Trouble
from .snapshot import Pool, Snapshot, State, Worker

#: Seconds that a worker must have been ready so that its end is not taken for a fault of all.
_LIVED = 60.0

#: Ends in a row from which on a pool is held back: the first may be bad luck, or one bad image.
_ROW = 3

#: Seconds for which a pool is held back: at first, and at most.
_SOON, _LATE = 10.0, 600.0

#: Seconds after a pool was held back in which no other worker failed: it is forgotten.
_FORGOTTEN = 600.0


@dataclass(slots=True)
class _Life:
    """A worker as it was seen last, since when it has a place and is ready; 0 for not yet."""

    worker: Worker
    placed: float = 0.0
    ready: float = 0.0


@dataclass(slots=True)
class _Row:
    """Workers of a pool that failed in a row. Times are seconds since 1970."""

    first: float
    last: float
    count: int = 0
    holds: int = 0
    until: float = 0.0
    late: bool = False


class Misfires:
    """Watches how workers fare from snapshot to snapshot.

    ``patience`` is the seconds that a worker with a place may take to become ready, or three times
    what its pool usually takes where that is more.
    """

    def __init__(self, patience: float = 600.0) -> None:
        self._patience = patience
        self._lives: dict[str, _Life] = {}
        self._rows: dict[str, _Row] = {}
        self._overdue: list[Worker] = []

    def look(self, seen: Snapshot, asked_to_stop: Collection[str]) -> None:
        """Take in a snapshot; of those that were asked to stop an end is expected."""
        now, pools = seen.now, {pool.name: pool for pool in seen.pools}
        before, self._lives = self._lives, {}
        for one in seen.workers:
            life = before.pop(one.id, None) or _Life(one)
            life.worker = one
            if one.state is not State.ASKED:
                life.placed = life.placed or now
            if one.state is State.READY:
                life.ready = life.ready or now
            self._lives[one.id] = life
        for name, life in before.items():
            if name not in asked_to_stop and _early(life, now):
                self._failed(life.worker.pool, now, 1)
        self._overdue = [
            life.worker
            for life in self._lives.values()
            if self._is_overdue(life, pools[life.worker.pool], now)
        ]
        for one in self._overdue:
            if one.id not in asked_to_stop:
                self._failed(one.pool, now, _ROW).late = True
        for pool in list(self._rows):
            self._forgive(pool, now)

    def overdue(self) -> Sequence[Worker]:
        """Those that should have become ready long ago."""
        return self._overdue

    def held(self, pool: Pool, now: float) -> bool:
        """Whether no workers of a pool are to be started yet."""
        row = self._rows.get(pool.name)
        return row is not None and now < row.until

    def troubles(self, told: Sequence[Trouble]) -> list[Trouble]:
        """What the driver has ``told``, and pools that are held back where it told nothing."""
        found = []
        for one in told:
            row = self._rows.get(one.pool)
            again = max(one.again or 0.0, row.until if row else 0.0)
            found.append(replace(one, again=again or None))
        known = {one.pool for one in told}
        return found + [
            _trouble(pool, row, self._patience)
            for pool, row in self._rows.items()
            if row.count >= _ROW and pool not in known
        ]

    def _is_overdue(self, life: _Life, pool: Pool, now: float) -> bool:
        waited = now - life.placed if life.placed and not life.ready else 0.0
        starting = life.worker.state is State.STARTING
        return starting and waited > max(self._patience, 3 * pool.startup)

    def _failed(self, pool: str, now: float, weight: int) -> _Row:
        row = self._rows.setdefault(pool, _Row(now, now))
        row.count += weight
        row.last = now
        # Of those that were started together each failure is not a try of its own.
        if row.count >= _ROW and now >= row.until:
            row.until = now + min(_LATE, _SOON * 2.0**row.holds)
            row.holds += 1
        return row

    def _forgive(self, pool: str, now: float) -> None:
        """A pool works where one of its workers, started after the last failure, goes on."""
        row = self._rows[pool]
        lived = any(
            life.worker.pool == pool
            and life.worker.since > row.last
            and life.ready
            and now - life.ready > _LIVED
            for life in self._lives.values()
        )
        if lived or now - max(row.until, row.last) > _FORGOTTEN:
            del self._rows[pool]


def _early(life: _Life, now: float) -> bool:
    """Whether a worker that had a place ended before it can have been of use."""
    one = life.worker
    if not life.placed or one.state is State.DRAINING or (one.ends is not None and now >= one.ends):
        return False
    return not life.ready or now - life.ready < _LIVED


def _trouble(pool: str, row: _Row, patience: float) -> Trouble:
    if row.late:
        cause = f"its workers did not become ready in {patience / 60:.0f} minutes"
    else:
        cause = f"its workers end as soon as they are started, {row.count} in a row"
    advice = "their logs say why in their last lines; until that is mended they are started rarely"
    return Trouble(pool, cause, advice, row.first, row.until or None)
