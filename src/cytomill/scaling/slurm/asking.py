"""Asking SLURM for the jobs of workers that have none."""

from __future__ import annotations

from collections import defaultdict

from ...errors import OutputError
from .faults import AwayError, Fault, RefusedError
from .record import Asked
from .shared import Shared
from .troubles import Pause

#: Jobs of one batch: a cluster takes 1,000 in an array unless it was told otherwise.
_BATCH = 1000


class Asking:
    """Asks for all that is wanted at once; what is refused is asked for later and later."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._pauses = {pool: Pause(shared.again) for pool in shared.jobs}
        self._refused: dict[str, str] = {}

    def refused(self, pool: str) -> str:
        """Why there are no jobs for a pool's workers; empty where there is no reason."""
        return self._refused.get(pool) or self._shared.absent

    def ask(self, now: float) -> None:
        """Ask for the jobs of workers that have none, of pools that may be tried now."""
        wanted: defaultdict[str, list[Asked]] = defaultdict(list)
        with self._shared.lock:
            for one in self._shared.record.workers.values():
                if not one.batch and one.pool in self._pauses:
                    wanted[one.pool].append(one)
        for pool, pause in self._pauses.items():
            if pool not in wanted:
                self._accepted(pool)
            elif now >= max(pause.until, self._shared.away.until):
                self._ask(pool, wanted[pool], now)
        if not wanted:
            self._shared.book.clear("sbatch")

    def _ask(self, pool: str, workers: list[Asked], now: float) -> None:
        """Ask for workers: for all, or where SLURM has a limit for as many as it takes."""
        most = _BATCH
        while workers:
            some = workers[:most]
            try:
                self._submit(pool, some, now)
            except RefusedError as error:
                if error.fault.fewer and len(some) > 1:
                    most = len(some) // 2
                    continue
                self._is_refused(pool, error.fault, now)
                return
            except AwayError as error:
                self._shared.is_away("sbatch", error.fault, now)
                return
            except OutputError as error:  # no job without a record of it
                fault = Fault(f"{error.subject}: {error.fault}", error.advice)
                self._is_refused(pool, fault, now)
                return
            workers = workers[len(some) :]
        self._pauses[pool].done()
        self._accepted(pool)

    def _is_refused(self, pool: str, fault: Fault, now: float) -> None:
        self._refused[pool] = fault.cause
        again = self._pauses[pool].failed(now)
        self._shared.book.tell(f"refused {pool}", {pool: fault}, now, again=again)

    def _accepted(self, pool: str) -> None:
        self._refused.pop(pool, None)
        self._shared.book.clear(f"refused {pool}")

    def _submit(self, pool: str, workers: list[Asked], now: float) -> None:
        shared = self._shared
        with shared.lock:
            # Some may have been stopped since.
            workers = [one for one in workers if one.id in shared.record.workers]
            if not workers:
                return
            batch = shared.record.batch(workers, now)
        job = shared.jobs[pool]
        flags = job.flags(len(workers), shared.record.comment(batch), shared.logs)
        try:
            found = shared.commands.submit(flags, job.script([one.id for one in workers]))
        except (RefusedError, AwayError) as error:
            if not (isinstance(error, AwayError) and error.unsure):
                with shared.lock:
                    for one in workers:
                        one.batch = ""
                    shared.drop_stopped()
            raise
        shared.is_back("sbatch")
        with shared.lock:
            for one in workers:
                one.job = f"{found}_{one.index}"
            shared.save(now)
