"""What is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from ...jobs.items import Item
from ...jobs.job import Job
from ..record import ItemRecord


@dataclass(frozen=True, slots=True)
class Target:
    """An item of a job to look at, and its record where it is done, by the ``attempt`` so."""

    job: Job
    index: int
    item: Item
    attempt: int = 0
    record: ItemRecord | None = None

    @property
    def key(self) -> tuple[str, int, int, bool]:
        """What tells it from others."""
        return self.job.id, self.index, self.attempt, self.record is not None
