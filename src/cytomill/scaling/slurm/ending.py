"""Having workers end: those that run drain, those that wait never come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..snapshot import State
from .faults import AwayError
from .parsing import Row
from .record import Asked
from .shared import Shared

#: Seconds that a worker may take to drain before it is ended.
_DRAIN = 180.0


class Ending:
    """Tells SLURM which jobs are to end, each once for every look at them."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._told: dict[str, Row] = {}

    def end(self, now: float) -> None:
        """Have workers that are to stop drain; end those that wait or take too long."""
        drain: list[Asked] = []
        cancel: list[Asked] = []
        with self._shared.lock:
            for one in self._shared.record.workers.values():
                # Of one that SLURM has not told of it is not known whether it runs.
                row = self._shared.row(one)
                if not one.stopping or row is None or self._told.get(one.job) is row:
                    continue
                if row.stage is State.ASKED or (one.told and now - one.told > _DRAIN):
                    cancel.append(one)
                elif row.stage is State.STARTING and not one.told:
                    drain.append(one)
        try:
            self._tell(cancel, self._shared.commands.cancel, now)
            self._tell(drain, self._shared.commands.terminate, now)
        except AwayError as error:
            self._shared.is_away("scancel", error.fault, now)
        else:
            self._shared.book.clear("scancel")

    def _tell(
        self, workers: list[Asked], tell: Callable[[Sequence[str]], set[str]], now: float
    ) -> None:
        if not workers:
            return
        left = tell([one.job for one in workers])
        with self._shared.lock:
            for one in workers:
                if (row := self._shared.row(one)) is not None:
                    self._told[one.job] = row
                if one.job not in left:
                    one.told = one.told or now
            jobs = {one.job for one in self._shared.record.workers.values()}
            self._told = {job: row for job, row in self._told.items() if job in jobs}
            self._shared.save(now)
