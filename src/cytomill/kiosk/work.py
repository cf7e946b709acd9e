"""Doing a task: from having taken it to having told the queue how it ended."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from ..errors import (
    BusyError,
    Interrupted,
    TemporaryError,
    UnreachableError,
)
from ..inference.runtime import Models
from ..jobs.errors import BucketAwayError, QueueAwayError, QueueFullError
from ..jobs.task import Kind, Outcome, Task
from ..jobs.uploads import Uploads
from ..pipelines.faults import is_of_work, reason
from .backend import Backend
from .cache import Cache, own_folder
from .faults import full, is_full
from .hands import Held
from .inputs import Inputs
from .listing import Listing
from .plans import Plans
from .process import Ended, Fanned, Processing
from .reporting import report
from .stopping import stopped_by
from .waiting import For, Waiting
from .workplace import workplace

#: Seconds after which a task is tried again that found a service away: at first, and at most.
_AGAIN, _MUCH_LATER = 1.0, 10.0

#: Seconds for which a job is paused whose results have no room.
_FULL = 60.0

#: Seconds between two tries to tell the queue something: at first, and at most.
_SOON, _LATE = 0.02, 1.0

#: Faults of services, which are none of the task's: it is tried as often as it takes.
_ELSEWHERE = (UnreachableError, BusyError, QueueFullError)

T = TypeVar("T")


class Work:
    """Does tasks with ``models``, several at once; ``say`` is given a line for each failure.

    What it waits for is told ``waiting``. ``served`` says whether models can be had at once. Raises
    `OptionError` where there is no place for temporary files.
    """

    def __init__(
        self,
        backend: Backend,
        models: Models,
        say: Callable[[str], object],
        waiting: Waiting,
        served: Callable[[], bool] = lambda: True,
    ) -> None:
        self._backend, self._queue, self._say = backend, backend.queue, say
        self._waiting, self._served = waiting, served
        place = workplace()
        self._scratch, self._lock = own_folder(place / "scratch")
        cache = Cache(place / "cache", backend.settings.cache_bytes)
        uploads = Uploads(backend.redis, backend.bucket, backend.settings)
        self._plans = Plans(backend, models)
        self._listing = Listing(backend, uploads, cache)
        inputs = Inputs(backend, cache)
        self._processing = Processing(backend.bucket, self._plans, inputs, self._scratch)
        #: Seconds for which tasks of a job are put off that found a service away.
        self._delays: dict[str, float] = {}
        #: Items that ended well and badly here.
        self.done = self.failed = 0
        #: Set when nothing is to be told the queue any more.
        self._gone = Event()

    def close(self) -> None:
        """Nothing more is told the queue, and temporary files go."""
        self._gone.set()
        shutil.rmtree(self._scratch, ignore_errors=True)
        os.close(self._lock)

    def do(self, held: Held) -> None:
        """Do a task and tell the queue how it ended."""
        task = held.task
        try:
            try:
                with stopped_by(held.stop):
                    ended = self._done(held)
            except Interrupted:
                self._undo(task)
                return
            except Exception as error:
                if self._wanted(held):
                    self._failed(task, error)
                return
            if not self._wanted(held):
                self._undo(task)
            elif isinstance(ended, Fanned):
                if self._tell(lambda: self._queue.fan(task, ended.parts)) is False:
                    self._undo(task)
            else:
                self._finish(task, ended)
        except Exception as error:  # the thread must live; the task is begun again after a lease
            self._say(reason(error, called(task)))

    def _done(self, held: Held) -> Ended | Fanned:
        task, begun = held.task, time.perf_counter()
        if task.kind not in (Kind.LIST, Kind.REPORT):
            return self._processing.do(task)
        # By how many items there are it is decided how many workers are started: that must not wait
        # for the first model server among them.
        early = task.kind is Kind.LIST and not self._served()
        plan = self._plans.outline(task.job) if early else self._plans.plan(task.job)
        if task.kind is Kind.REPORT:
            report(self._backend, plan, self._scratch)
        else:
            job = self._queue.job(task.job)
            if job is not None and not (job.sealed or job.state.ended):
                wanted = functools.partial(self._wanted, held)
                movies = plan.pipeline.movies
                self._listing.list(job, plan.outputs, plan.products, wanted, movies=movies)
        return Ended(Outcome.DONE, seconds=time.perf_counter() - begun)

    def _wanted(self, held: Held) -> bool:
        return not (held.stop or held.given_back or self._gone.is_set())

    def _failed(self, task: Task, error: Exception) -> None:
        """A task could not be done: for good, or now."""
        told = reason(error, called(task))
        if is_of_work(error):
            self._finish(task, Ended(Outcome.FAILED, reason=told))
            return
        again = functools.partial(self._queue.release, task, told)
        if is_full(error):
            self._say(f"{called(task)}: {told}")
            self._undo(task)
            if (job := self._tell(lambda: self._queue.job(task.job))) is not None:
                self._tell(lambda: self._queue.pause(job, full(error), seconds=_FULL))
            self._tell(lambda: again(counts=False, seconds=_AGAIN))
        elif isinstance(error, _ELSEWHERE):
            self._waiting.waits(*self._why(error))
            delay = self._put_off(task.job)
            self._tell(lambda: again(counts=False, seconds=delay))
        else:
            self._say(f"{called(task)}: {told}")
            self._tell(lambda: again(seconds=_AGAIN))

    def _why(self, error: TemporaryError) -> tuple[For, TemporaryError, str]:
        """Which service is away, and what users are told of it."""
        if isinstance(error, QueueFullError):
            return For.QUEUE, error, "has no memory left"
        if isinstance(error, QueueAwayError):
            return For.QUEUE, error, "does not answer"
        if not isinstance(error, BucketAwayError):
            told = "has too much to do" if isinstance(error, BusyError) else "does not answer"
            return For.MODEL_SERVER, error, told
        try:
            self._backend.bucket.ping()
        except BucketAwayError as fault:
            return For.BUCKET, fault, fault.told
        except TemporaryError:
            pass
        return For.SOURCE, error, error.told

    def _waiting_is_over(self, task: Task) -> None:
        """A task of a job succeeded: what it waited for is there."""
        if self._delays.pop(task.job, None):
            self._waiting.goes_on(For.SOURCE)
            self._waiting.goes_on(For.MODEL_SERVER)

    def _put_off(self, job: str) -> float:
        """Seconds until a task of ``job`` is tried again: more and more, until one succeeds."""
        delay = self._delays.get(job, _AGAIN)
        self._delays[job] = min(2 * delay, _MUCH_LATER)
        return delay

    def _finish(self, task: Task, ended: Ended) -> None:
        if ended.outcome is Outcome.FAILED:
            self._say(f"{called(task)}: {ended.reason}")
        else:
            self._waiting_is_over(task)
        won = self._tell(
            lambda: self._queue.finish(
                task,
                ended.outcome,
                objects=ended.objects,
                seconds=ended.seconds,
                reason=ended.reason,
            )
        )
        if won is None or task.kind in (Kind.LIST, Kind.REPORT):
            return
        if won:
            self._count(task, ended)
            self._clear(task, lambda: self._processing.published(task, ended))
        else:
            self._clear(task, lambda: self._processing.undo(task))

    def _count(self, task: Task, ended: Ended) -> None:
        # Several threads may lose a count to each other: nobody acts on these.
        if ended.outcome is Outcome.FAILED:
            self.failed += 1
        elif task.kind is not Kind.PART:
            self.done += 1

    def _undo(self, task: Task) -> None:
        """Remove what an attempt wrote that will not count."""
        if task.kind in (Kind.ITEM, Kind.MERGE):
            self._clear(task, lambda: self._processing.undo(task))

    def _clear(self, task: Task, remove: Callable[[], None]) -> None:
        try:
            remove()
        except TemporaryError as error:
            self._say(f"{called(task)}: {error}")  # the report removes what is left

    def _tell(self, what: Callable[[], T]) -> T | None:
        """Tell the queue something, however long it is away; None where the consumer has ended."""
        pause = _SOON
        while not self._gone.is_set():
            try:
                answer = what()
                self._waiting.goes_on(For.QUEUE)
                return answer
            except TemporaryError as error:
                self._waiting.waits(For.QUEUE, error)
                self._gone.wait(pause)
                pause = min(2 * pause, _LATE)
        return None


def called(task: Task) -> str:
    """What log lines call a task."""
    match task.kind:
        case Kind.LIST | Kind.REPORT:
            return f"job {task.job}, {task.kind}"
        case Kind.PART:
            return f"job {task.job}, item {task.item}, part {task.part}"
    return f"job {task.job}, item {task.item}"
