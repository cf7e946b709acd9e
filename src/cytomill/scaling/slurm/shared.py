"""What asking for jobs, looking at them and ending them have in common."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import OutputError
from .commands import Commands
from .faults import Fault
from .job import Job
from .parsing import Row
from .record import Asked, Record
from .troubles import Book, Pause


@dataclass(slots=True)
class Shared:
    """The jobs of an installation, as far as they are known.

    ``lock`` is held by whoever reads or changes the record, and by nobody who waits for SLURM.
    ``rows`` are the jobs by their ids, of the last look; ``ready`` those that have said that they
    are. ``away`` says when SLURM is asked again after it did not answer.
    """

    record: Record
    commands: Commands
    jobs: Mapping[str, Job]
    logs: Path
    again: float
    lock: threading.RLock = field(default_factory=threading.RLock)
    book: Book = field(default_factory=Book)
    rows: dict[str, Row] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    away: Pause = field(init=False)
    absent: str = ""

    def __post_init__(self) -> None:
        self.away = Pause(self.again)

    def row(self, one: Asked) -> Row | None:
        """What SLURM last said of the job of a worker."""
        return self.rows.get(one.job) if one.job else None

    def log(self, one: Asked) -> Path:
        """What a worker says."""
        return self.logs / f"{one.job}.log"

    def is_away(self, source: str, fault: Fault, now: float) -> None:
        """SLURM did not answer ``source``."""
        again = self.away.failed(now)
        self.absent = fault.cause
        self.book.tell(source, {"": fault}, now, again=again)

    def is_back(self, source: str) -> None:
        """SLURM answered ``source``."""
        self.away.done()
        self.absent = ""
        self.book.clear(source)

    def drop_stopped(self) -> None:
        """Forget workers that are to stop and of which SLURM has never heard."""
        workers = self.record.workers
        for one in [one for one in workers.values() if one.stopping and not one.batch]:
            del workers[one.id]

    def save(self, now: float) -> None:
        """Write the record down, or tell why that is not possible."""
        try:
            self.record.save()
        except OutputError as error:
            fault = Fault(f"{error.subject}: {error.fault}", error.advice)
            self.book.tell("record", {"": fault}, now)
        else:
            self.book.clear("record")
