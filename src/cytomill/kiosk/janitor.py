"""Deleting what is to be deleted: jobs and uploads that expired, or that someone deleted."""

from __future__ import annotations

import time
from contextlib import suppress

from redis.exceptions import LockError

from ..jobs import layout
from ..jobs.errors import QueueFullError
from ..jobs.job import State
from ..jobs.queue import LEASE, PREFIX
from ..jobs.redis import told
from ..jobs.uploads import Uploads
from .backend import Backend

#: Seconds after the end of a job for which it is not forgotten: consumers that have not heard yet
#: may still write to its folder, which is then removed once more.
_GRACE = 2 * LEASE / 1000 + 4

#: Seconds after which a janitor that was not heard of is taken to be dead. Should it live, two do
#: the same, which does no harm.
_HOLD = 15


class Janitor:
    """Deletes what the queue names as expired; any number of them may be at work."""

    def __init__(self, backend: Backend, uploads: Uploads) -> None:
        self._backend, self._uploads = backend, uploads
        self._heard = "0-0"

    def sweep(self) -> int:
        """Delete what is to be deleted, unless another janitor is at it; returns how many went.

        Of jobs that were cancelled, what was not finished goes. What is stopped half-way is done
        again by the next sweep. Raises `QueueAwayError` and `BucketAwayError`.
        """
        lock = self._backend.redis.lock(f"{PREFIX}janitor", timeout=_HOLD, blocking=False)
        with suppress(QueueFullError), told():  # a full memory is what sweeping helps against
            if not lock.acquire():
                return 0
        try:
            self._backend.bucket.sweep()
            self._tidy_cancelled()
            gone = 0
            for kind, name in self._backend.queue.expired():
                with told(), suppress(LockError):
                    lock.reacquire()
                gone += self._gone(kind, name)
            return gone
        finally:
            with told(), suppress(LockError):
                lock.release()

    def _tidy_cancelled(self) -> None:
        """Remove what consumers that died left of jobs that were cancelled since the last sweep.

        Those that live remove what is theirs.
        """
        queue, bucket = self._backend.queue, self._backend.bucket
        events = queue.events(self._heard, wait=0.001)
        for name in {event.job for event in events if event.state == State.CANCELLED}:
            if (job := queue.job(name)) is None:
                continue
            bucket.delete_folder(f"{layout.job(name)}/parts")
            first = 0
            while first < job.items:
                unfinished, first = queue.find(job, "running", first, 1000)
                for item in unfinished:
                    bucket.delete_folder(layout.results(name, item))
        if events:
            self._heard = events[-1].id

    def _gone(self, kind: str, name: str) -> bool:
        if kind == "upload":
            return self._uploads.delete(name)
        self._backend.bucket.delete_folder(layout.job(name))
        job = self._backend.queue.job(name)
        if job is not None and time.time() - job.finished < _GRACE:
            return False
        return self._backend.queue.forget(name)
