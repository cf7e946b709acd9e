"""Cytomill's queue: ``fill N`` submits a job of N items, ``work BATCH`` is a consumer.

A batch is taken with one call and finished with another. The result is its state, which the queue
stores with the same call that takes the task off it.
"""

from __future__ import annotations

import sys
import threading
import time

from cytomill.jobs.job import Job
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.task import Kind, Outcome, Task

from . import task

NAME = "bench"

#: Seconds between two beats, as the kiosk's consumers have it.
_BEAT = 2.0

#: Items that are told of in one call, as the kiosk's consumers do.
_PAGE = 10_000


def fill(items: int) -> None:
    """Submit a job; its name is that of the queue too."""
    with connect(task.URL) as client:
        queue = Queue(client)
        job = queue.submit(Job(NAME, "user", NAME))
        for first in range(0, items, _PAGE):
            last = first + _PAGE >= items
            queue.extend(job, first, min(_PAGE, items - first), last=last)


class Consumer:
    """Takes tasks and finishes them, while a thread says that it lives."""

    def __init__(self, queue: Queue, name: str) -> None:
        self._queue, self._name = queue, name
        self._hands: tuple[Task, ...] = ()
        threading.Thread(target=self._beat, daemon=True).start()

    def run(self, batch: int) -> None:
        """Until it is killed."""
        queue = self._queue
        while True:
            self._hands = queue.take(self._name, [NAME], batch, idle=True).tasks
            for one in self._hands:
                if one.kind is Kind.ITEM:
                    task.work(one.item)
            ended = [(one, Outcome.DONE, 1, 0.0, "") for one in self._hands]
            for one, won in zip(self._hands, queue.finish_all(ended), strict=True):
                if won and one.kind is Kind.ITEM:
                    task.tell("stored", one.item)
            if not self._hands:
                time.sleep(0.05)

    def _beat(self) -> None:
        while True:
            time.sleep(_BEAT)
            self._queue.beat(self._name, self._hands)


def main() -> None:
    """See the module."""
    what, number = sys.argv[1], int(sys.argv[2])
    if what == "fill":
        fill(number)
    else:
        with connect(task.URL) as client:
            Consumer(Queue(client), f"consumer-{time.time_ns()}").run(number)


if __name__ == "__main__":
    main()
