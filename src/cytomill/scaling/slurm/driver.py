"""The driver for SLURM: workers are jobs, asked for, watched and ended by one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...image.atomic import output_error
from ..driver import Trouble
from ..snapshot import Pool, State, Worker
from .asking import Asking
from .commands import Commands
from .ending import Ending
from .faults import waiting
from .job import Job
from .looking import Looking
from .record import Asked, Record
from .shared import Shared
from .troubles import FIRST

#: Seconds between two looks at the jobs: while something is to change, and else. Many users who ask
#: the controller every second would keep it from its work.
_SOON, _LATE = 5.0, 20.0

#: The record of an installation in its folder, and the folder of what its workers say.
RECORD, LOGS = "jobs.json", "logs"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often SLURM is asked; seconds.

    ``soon`` between two looks while something is to change, ``late`` else, ``again`` until what was
    refused is tried again, later and later.
    """

    soon: float = _SOON
    late: float = _LATE
    again: float = FIRST


class SlurmDriver:
    """Workers of the pools that ``jobs`` names; ``folder`` is one that all nodes share.

    What SLURM is asked and says is on a thread's account: no call waits for it. ``say`` is given a
    line where that thread fails. Raises `OutputError` where the record cannot be read or made.
    """

    def __init__(
        self,
        folder: Path,
        jobs: Mapping[str, Job],
        *,
        say: Callable[[str], object] = lambda _: None,
        environment: Mapping[str, str] | None = None,
        pace: Pace = Pace(),
    ) -> None:
        logs = folder / LOGS
        try:
            logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(logs, error) from error
        record = Record.open(folder / RECORD)
        commands = Commands(record.name, environment)
        self._shared = Shared(record, commands, dict(jobs), logs, pace.again)
        self._record, self._lock = record, self._shared.lock
        self._asking, self._looking = Asking(self._shared), Looking(self._shared)
        self._ending = Ending(self._shared)
        self._pace, self._say = pace, say
        self._woken, self._closed = threading.Event(), threading.Event()
        # Nobody would ask for the end of workers of pools that there are no more.
        self.stop([one for one in self.workers() if one.pool not in jobs])
        self._thread = threading.Thread(target=self._run, name="slurm", daemon=True)
        self._thread.start()

    @property
    def installation(self) -> str:
        """What the jobs are called."""
        return self._record.name

    def workers(self) -> Sequence[Worker]:
        """See `Driver.workers`; those that SLURM refuses are asked for until they are stopped."""
        with self._lock:
            return [self._worker(one) for one in self._record.workers.values()]

    def start(self, pool: Pool, count: int) -> None:
        """See `Driver.start`."""
        if count > 0:
            with self._lock:
                self._record.add(pool.name, count, time.time())
            self._woken.set()

    def stop(self, workers: Sequence[Worker]) -> None:
        """See `Driver.stop`."""
        with self._lock:
            for one in workers:
                if (asked := self._record.workers.get(one.id)) is None:
                    continue
                asked.stopping = True
                if not asked.batch:
                    del self._record.workers[one.id]
        self._woken.set()

    def troubles(self) -> Sequence[Trouble]:
        """See `Driver.troubles`."""
        return self._shared.book.all()

    def cancel(self, workers: Sequence[Worker]) -> None:
        """End workers at once; what they have in hand is for others to do."""
        with self._lock:
            for one in workers:
                if (asked := self._record.workers.get(one.id)) is not None:
                    asked.stopping, asked.told = True, 1.0
        self.stop(workers)

    def close(self) -> None:
        """See `Driver.close`; the jobs go on, for the next driver of the folder."""
        self._closed.set()
        self._woken.set()
        self._thread.join()

    def _worker(self, one: Asked) -> Worker:
        row = self._shared.row(one)
        if row is None or row.stage is None:
            state, ends, reason = State.ASKED, None, self._asking.refused(one.pool)
        else:
            state, ends, reason = row.stage, None, ""
            if state is State.ASKED:
                reason = waiting(row.reason).cause
            elif row.state != "RUNNING":
                reason = f"SLURM says {row.state}"
            if state is State.STARTING and row.ends is not None:
                job = self._shared.jobs.get(one.pool)
                ends = row.ends - (job.margin if job else 0.0)
        if one.stopping:
            state = State.DRAINING
        return Worker(one.id, one.pool, state, one.asked, ends=ends, reason=reason)

    def _run(self) -> None:
        looked = float("-inf")
        while not self._closed.is_set():
            self._woken.clear()
            try:
                self._asking.ask(time.time())
                pause = self._pause()
                if pause is None:
                    self._looking.rest(time.time())
                elif time.monotonic() - looked >= pause:
                    self._looking.look(time.time())
                    looked = time.monotonic()
                self._ending.end(time.time())
            except Exception as error:  # without this thread nothing would end what SLURM runs
                told = " ".join(str(error).split())
                self._say(f"SLURM: a fault of the program ({type(error).__name__}: {told})")
                self._closed.wait(self._pace.soon)
            self._woken.wait(min(self._pace.soon, 1.0))

    def _pause(self) -> float | None:
        """Seconds from one look at the jobs to the next; None where there are none."""
        shared = self._shared
        with self._lock:
            workers = self._record.workers.values()
            if not workers and not self._record.may_come(time.time()):
                return None
            changes = any(one.stopping or one.job not in shared.ready for one in workers)
        return self._pace.soon if changes or shared.absent else self._pace.late
