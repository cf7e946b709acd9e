"""What is looked at: an item, and what came of it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from ...jobs.bucket import Bucket
from ...jobs.errors import MissingError
from ...jobs.items import Item, read
from ...jobs.job import Job
from ...jobs.queue import Queue
from .. import record
from ..record import ItemRecord

#: Items of which it is known what and where they are: every chunk is of one.
_KNOWN = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """An item of a job to look at; where it is done, the ``attempt`` that counts, its record."""

    job: Job
    index: int
    item: Item
    attempt: int | None = None
    record: ItemRecord | None = None

    @property
    def key(self) -> tuple[str, int, int | None]:
        """What tells it from others."""
        return self.job.id, self.index, self.attempt


class Targets:
    """The items of jobs; what does not change of them is read once. Safe to use from threads."""

    def __init__(self, queue: Queue, bucket: Bucket) -> None:
        self._queue, self._bucket = queue, bucket
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, int, int | None], tuple[Item, ItemRecord | None]]
        self._known = OrderedDict()

    def get(self, job: Job, index: int) -> Target:
        """The item ``index`` of a job. Raises `MissingError` where there is none."""
        states = self._queue.states(job, index, 1)
        if not states:
            raise MissingError(f"job {job.id} has no image {index}; it has {job.items}")
        state, latest = states[0]
        attempt = latest if state == "done" else None
        key = (job.id, index, attempt)
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
        if found is None:
            found = self._read(job, index, attempt)
            with self._lock:
                self._known[key] = found
                if len(self._known) > _KNOWN:
                    self._known.popitem(last=False)
        return Target(job, index, found[0], attempt, found[1])

    def _read(self, job: Job, index: int, attempt: int | None) -> tuple[Item, ItemRecord | None]:
        items = read(self._bucket, job.id, index, 1)
        if not items:
            raise MissingError(f"job {job.id} is being deleted")
        if attempt is None:
            return items[0], None
        return items[0], record.read(self._bucket, job.id, index, attempt)
