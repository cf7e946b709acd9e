"""Starts and stops workers as processes of this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock, Thread

from ..scaling.driver import Trouble
from ..scaling.snapshot import Pool, State, Worker
from .supervisor import Program, Supervisor

#: Seconds that a process must have run so that its end is not taken for a fault of all.
_LIVED = 5.0

#: Seconds until another is tried after one that did not live so long: at first, and at most.
_SOON, _LATE = 0.5, 60.0

#: Seconds after which nothing is said any more of a pool that nobody asked for since.
_FORGOTTEN = 60.0

#: Makes the program of a worker, from its place among those of its pool and its id.
Make = Callable[[int, str], Program]


@dataclass(slots=True)
class _Member:
    """A worker, its place among those of its pool, and when it was started by a steady clock."""

    worker: Worker
    place: int
    begun: float


@dataclass(slots=True)
class _Fault:
    """A pool whose last process ended at once: until when no other is tried."""

    trouble: Trouble
    row: int
    until: float


class LocalDriver:
    """Workers as programs of ``supervisor``; see `Driver`.

    ``makes`` says by the pool's name how each is called, ``prefix`` begins their ids, and ``ended``
    is given the id of each that ended. Workers end with this process, however that ends.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        makes: Mapping[str, Make],
        prefix: str,
        ended: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._supervisor, self._makes, self._prefix = supervisor, makes, prefix
        self._tell_ended = ended
        self._numbers = itertools.count()
        self._lock = Lock()
        self._members: dict[str, _Member] = {}
        self._faults: dict[str, _Fault] = {}
        self._closed = False

    def workers(self) -> Sequence[Worker]:
        """See `Driver.workers`."""
        with self._lock:
            self._look()
            return [one.worker for one in self._members.values()]

    def start(self, pool: Pool, count: int) -> None:
        """See `Driver.start`; nothing is started while a pool's processes end at once."""
        with self._lock:
            self._look()
            fault = self._faults.get(pool.name)
            if self._closed or (fault is not None and time.monotonic() < fault.until):
                return
            # Those that finish what they have in hand have their memory and their ports yet.
            there = sum(one.worker.pool == pool.name for one in self._members.values())
            for _ in range(min(count, pool.most - there)):
                self._start(pool)

    def stop(self, workers: Sequence[Worker]) -> None:
        """See `Driver.stop`."""
        with self._lock:
            names = [one.id for one in workers if self._drain(one.id)]
        if names:
            # It takes as long as the longest of what they have in hand.
            Thread(target=self._supervisor.stop, args=names, daemon=True).start()

    def troubles(self) -> Sequence[Trouble]:
        """See `Driver.troubles`."""
        with self._lock:
            self._look()
            return [one.trouble for one in self._faults.values()]

    def close(self) -> None:
        """Have all workers finish what they have in hand, and wait for that; start no more.

        It does so pool by pool in the order of ``makes``: some need others to finish.
        """
        with self._lock:
            self._closed = True
            members = list(self._members.values())
        for pool in self._makes:
            self._supervisor.stop(*(x.worker.id for x in members if x.worker.pool == pool))

    def _start(self, pool: Pool) -> None:
        taken = {one.place for one in self._members.values() if one.worker.pool == pool.name}
        place = next(number for number in itertools.count() if number not in taken)
        name = f"{self._prefix}{next(self._numbers)}"
        made = self._makes[pool.name](place, name)
        program = replace(made, name=name, kept=False, died=lambda _: self._died(name))
        worker = Worker(name, pool.name, State.STARTING, time.time())
        self._members[name] = _Member(worker, place, time.monotonic())
        self._supervisor.start(program)

    def _drain(self, name: str) -> bool:
        """Whether a worker is there and was not asked to stop before; it is from now on."""
        one = self._members.get(name)
        if one is None or one.worker.state is State.DRAINING:
            return False
        one.worker = replace(one.worker, state=State.DRAINING)
        return True

    def _look(self) -> None:
        """Forget those that have ended; a pool is sound where one goes on."""
        for name, one in list(self._members.items()):
            if self._supervisor.ended(name):
                self._supervisor.forget(name)
                del self._members[name]
                self._tell_ended(name)
            elif time.monotonic() - one.begun > _LIVED:
                fault = self._faults.get(one.worker.pool)
                if fault is not None and one.worker.since > fault.trouble.since:
                    del self._faults[one.worker.pool]
        late = time.monotonic() - _FORGOTTEN
        self._faults = {pool: one for pool, one in self._faults.items() if one.until > late}

    def _died(self, name: str) -> None:
        """A worker ended unasked."""
        with self._lock:
            one = self._members[name]
            pool, now = one.worker.pool, time.monotonic()
            if now - one.begun > _LIVED:
                return
            before = self._faults.get(pool)
            if before is not None and now < before.until:
                return  # of those that were started together each is not a try of its own
            row = before.row + 1 if before else 1
            wait = min(_LATE, _SOON * 2.0 ** (row - 1))
            how, _, words = self._supervisor.last_words(name).partition(": ")
            since = before.trouble.since if before else time.time()
            trouble = Trouble(
                pool,
                f"its processes end as soon as they are started (the last {how})",
                f"its last words were: {words}",
                since,
                time.time() + wait,
            )
            self._faults[pool] = _Fault(trouble, row, now + wait)
