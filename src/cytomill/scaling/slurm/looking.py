"""Looking at the jobs: which there are, which have ended and how, and why others wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..snapshot import State
from .faults import AwayError, Fault, end, waiting
from .logs import is_ready, last_words, prune
from .parsing import Row
from .record import Asked
from .shared import Shared

#: Seconds after which SLURM has not heard of a batch whose ``sbatch`` did not answer.
_UNHEARD = 60.0

#: Seconds that jobs may wait for what all wait for before anybody is told.
_LONG = 30.0

#: Seconds that a worker may run before it is odd that it is not ready.
_SILENT = 90.0

#: Seconds for which it is told how workers ended badly.
_TOLD = 900.0


class Looking:
    """Keeps what is known of the jobs as SLURM tells it; what it does not tell stays as it was."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._ends: dict[str, float] = {}

    def look(self, now: float) -> None:
        """See how the jobs are."""
        shared = self._shared
        if now < shared.away.until:
            return
        try:
            found = shared.commands.look()
        except AwayError as error:
            shared.is_away("squeue", error.fault, now)
            return
        shared.is_back("squeue")
        with shared.lock:
            known = list(shared.record.workers.values())
            self._learn(known, found)
            shared.rows = {row.id: row for row in found}
            gone = {one.job for one in known if one.job} - shared.rows.keys()
            # SLURM took them when nobody waited for them any more.
            unsure = shared.record.may_come(now)
            late = [r.id for r in found if r.stage and self._batch(r) in unsure]
        if late:
            with suppress(AwayError):  # the next look finds them again
                shared.commands.cancel(late)
        ended = shared.commands.ended(gone) if gone else {}
        with shared.lock:
            self._bury(known, ended, now)
            self._tell_waiting(now)
            shared.save(now)

    def rest(self, now: float) -> None:
        """There is nothing to look at: what was amiss with it is over."""
        shared = self._shared
        if shared.absent:
            shared.is_back("squeue")
        for source in ("scancel", "waits", "silent"):
            shared.book.clear(source)
        with shared.lock:
            self._forgive(now)

    def _batch(self, row: Row) -> str:
        return self._shared.record.batch_of(row.comment)

    def _learn(self, known: Sequence[Asked], found: Sequence[Row]) -> None:
        """Take in the jobs of batches whose ``sbatch`` never answered."""
        unknown = {(one.batch, str(one.index)): one for one in known if one.batch and not one.job}
        for row in found:
            one = unknown.get((self._batch(row), row.id.partition("_")[2]))
            if one is not None:
                one.job = row.id

    def _bury(self, known: Sequence[Asked], ended: Mapping[str, str], now: float) -> None:
        """Forget workers whose jobs have ended, and note how those did that should not have."""
        shared = self._shared
        faults: dict[str, Fault] = {}
        for one in known:
            row = shared.row(one)
            if not one.job:
                if one.batch and now - one.sent > _UNHEARD:
                    shared.record.forget(one.batch, now)
            elif row is not None and row.stage is not None:
                if row.state == "RUNNING" and row.id not in shared.ready and self._is_ready(one):
                    shared.ready.add(row.id)
            else:
                shared.record.workers.pop(one.id, None)
                shared.ready.discard(one.job)
                state = row.state if row is not None else ended.get(one.job, "")
                fault = end(state) if state and not one.stopping else None
                if fault is not None:
                    faults[one.pool] = self._told(one, row, fault)
                else:
                    shared.log(one).unlink(missing_ok=True)
        shared.drop_stopped()
        for pool, fault in faults.items():
            self._ends[pool] = now
            shared.book.tell(f"ended {pool}", {pool: fault}, now)
        if faults:
            prune(shared.logs, {one.job for one in shared.record.workers.values()})
        self._forgive(now)

    def _is_ready(self, one: Asked) -> bool:
        return is_ready(self._shared.log(one))

    def _told(self, one: Asked, row: Row | None, fault: Fault) -> Fault:
        """How a worker ended, with what it said last."""
        where = f" on {row.node}" if row is not None and row.node else ""
        cause = f"job {one.job} of SLURM{where} {fault.cause}"
        log = self._shared.log(one)
        if words := last_words(log):
            return Fault(f"{cause}: {words}", fault.advice.replace("its log", str(log)))
        if row is not None and row.state == "FAILED":
            advice = f"see that {self._shared.logs} is a folder that all nodes share"
            return Fault(f"{cause} and left no log", advice)
        return Fault(cause, fault.advice.replace("its log", "sacct"))

    def _forgive(self, now: float) -> None:
        """What ended is not told for ever, nor once a worker that came later is ready."""
        workers = self._shared.record.workers.values()
        for pool, when in list(self._ends.items()):
            well = any(
                one.pool == pool and one.asked > when and one.job in self._shared.ready
                for one in workers
            )
            if well or now - when > _TOLD:
                del self._ends[pool]
                self._shared.book.clear(f"ended {pool}")

    def _tell_waiting(self, now: float) -> None:
        """Why workers of each pool wait, or run and are not ready: of each pool the worst."""
        waits: dict[str, tuple[bool, float, Fault]] = {}
        silent: dict[str, tuple[bool, float, Fault]] = {}
        for one in self._shared.record.workers.values():
            row = self._shared.row(one)
            if row is None or one.stopping:
                continue
            if row.stage is State.ASKED:
                since, fault = row.submitted or one.asked, waiting(row.reason)
                if not fault.soon or now - since > _LONG:
                    _worst(waits, one.pool, (fault.soon, since, fault))
            elif row.stage is State.STARTING and row.id not in self._shared.ready:
                since = row.begun or now
                if now - since > _SILENT:
                    _worst(silent, one.pool, (False, since, self._silence(one, row)))
        for source, found in (("waits", waits), ("silent", silent)):
            self._shared.book.tell(
                source,
                {pool: fault for pool, (_, _, fault) in found.items()},
                now,
                since={pool: since for pool, (_, since, _) in found.items()},
            )

    def _silence(self, one: Asked, row: Row) -> Fault:
        if row.state != "RUNNING":
            return Fault(
                f"job {one.job} of SLURM is {row.state} on {row.node or 'a node'} for a while",
                "see: sinfo -R; ask the cluster's operators",
            )
        log = self._shared.log(one)
        words = last_words(log) or "it has said nothing"
        return Fault(
            f"job {one.job} of SLURM runs on {row.node}, and its worker is not ready: {words}",
            f"see that {row.node} reaches this kiosk's Redis and folder; its log is {log}",
        )


def _worst(
    found: dict[str, tuple[bool, float, Fault]], pool: str, told: tuple[bool, float, Fault]
) -> None:
    """Keep what somebody must see to before what passes by itself, and what is longest so."""
    if pool not in found or told[:2] < found[pool][:2]:
        found[pool] = told
