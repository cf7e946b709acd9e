"""Reading what attempts wrote, several at a time: a bucket may take a while for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

from ...jobs import layout
from ...jobs.bucket import Bucket
from ...jobs.errors import MissingError
from ...jobs.job import Job
from ...jobs.queue import Queue
from ..record import ItemRecord, read

A = TypeVar("A")
B = TypeVar("B")

#: Threads in which an API process reads records, and how many it reads ahead for one request.
THREADS = 16


def in_order(pool: Executor, function: Callable[[A], B], given: Iterable[A]) -> Iterator[B]:
    """``function`` of each of ``given``, in order, a few of them ahead."""
    waiting: deque[Future[B]] = deque()
    try:
        for one in given:
            waiting.append(pool.submit(function, one))
            if len(waiting) == THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def record(bucket: Bucket, job: Job, item: int, attempt: int) -> ItemRecord | None:
    """The record of an attempt; None where it wrote none, or it was deleted."""
    try:
        return read(bucket, job.id, item, attempt)
    except MissingError:
        return None


def done(queue: Queue, job: Job) -> Iterator[tuple[int, int]]:
    """The items that are done, with the attempt that counts."""
    for first in range(0, job.items, layout.PAGE):
        for item, (state, attempt) in enumerate(queue.states(job, first, layout.PAGE), first):
            if state == "done":
                yield item, attempt
