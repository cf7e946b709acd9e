"""The real queue in a simulation."""

from __future__ import annotations

from itertools import count

from ...jobs.job import Job
from ...jobs.queue import Queue
from ...jobs.task import Kind, Outcome, Task
from ..snapshot import Load
from .tasks import QUEUE, Given, Piece

#: Who submits.
_OWNER = "simulation"


class RedisTasks:
    """Tasks in a queue in Redis, from the listing of a job to its report.

    The queue's lease must outlast the simulation: its clock is the real one, and in simulations
    nobody has a pulse.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._names = count(1)
        self._images: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self._came: dict[str, float] = {}
        self.published: dict[tuple[str, int], int] = {}
        """How often the queue let an item's result count, by job and item: once, or it is at fault.
        """

    def submit(self, images: int, now: float) -> None:
        """Take in a job."""
        job = self._queue.submit(Job(f"job-{next(self._names)}", _OWNER, QUEUE), most_jobs=10**9)
        self._images[job.id] = self._left[job.id] = images
        self._came[job.id] = now

    def take(self, consumer: str, count: int, *, idle: bool) -> Given:
        """Up to ``count`` tasks, as the queue deals them out."""
        taken = self._queue.take(consumer, [QUEUE], count, idle=idle)
        pieces = [Piece(task, int(task.kind is Kind.ITEM)) for task in taken.tasks]
        return Given(pieces, taken.alone or taken.suspects > 0)

    def finish(self, consumer: str, piece: Piece, seconds: float) -> bool:
        """A task is done: a job whose inputs were listed has items, one without items a report."""
        task = piece.key
        assert isinstance(task, Task)
        if task.kind is Kind.LIST:
            job = Job(task.job, _OWNER, QUEUE)
            self._queue.extend(job, 0, self._images[task.job], last=True)
        counts = self._queue.finish(task, Outcome.DONE, seconds=seconds)
        if task.kind is Kind.REPORT:
            del self._came[task.job]
        elif task.kind is Kind.ITEM and counts:
            place = task.job, task.item
            self.published[place] = self.published.get(place, 0) + 1
            self._left[task.job] -= 1
        return task.kind is Kind.LIST or not self._left[task.job]

    def bury(self, consumer: str) -> None:
        """A consumer was lost."""
        self._queue.bury(consumer, [QUEUE])

    def waiting(self) -> int:
        """Tasks that nobody has begun."""
        return self._queue.numbers(QUEUE).waiting

    def load(self, now: float) -> Load:
        """What there is to do; ages are of simulated time, which the queue does not know."""
        numbers = self._queue.numbers(QUEUE)
        age = now - min(self._came.values(), default=now) if numbers.waiting else 0.0
        return Load(QUEUE, numbers.waiting, numbers.running, age, numbers.seconds)

    def over(self) -> bool:
        """Whether every job that was submitted has ended."""
        return not self._came
