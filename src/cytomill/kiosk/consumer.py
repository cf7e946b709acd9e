"""The consumer: takes tasks from the queue and does them.

One thread takes, several do, and one says every two seconds that the consumer lives and what it has
in hand; what that hears is not wanted any more is stopped. Whatever dies, hangs or is cut off, the
queue gives its tasks to others, and what comes late is not published.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

from ..batch.steps import reason
from ..errors import (
    BusyError,
    CytomillError,
    Interrupted,
    OptionError,
    TemporaryError,
    UnreachableError,
)
from ..inference.load import Device, cores, models
from ..jobs.errors import QueueFullError
from ..jobs.task import Kind, Outcome, Task
from ..jobs.uploads import Uploads
from ..ops.jitcache import warm
from ..pipelines import registry
from .backend import Backend
from .cache import Cache, own_folder
from .hands import Hands, Held
from .inputs import Inputs
from .listing import Listing
from .plans import Plans
from .process import Ended, Fanned, Processing, full, is_full, passes
from .reporting import report
from .stopping import stoppable, stopped_by

#: Seconds between two heartbeats: a quarter of the lease, so that one may be lost.
_BEAT = 2.0

#: Seconds between two looks at an empty queue: at first, and at most.
_SOON, _LATE = 0.02, 0.5

#: Seconds for which what is in hand may be finished when the consumer is to end.
_DRAIN = 20.0

#: Seconds after which a task is tried again that found a service away.
_AGAIN = 1.0

#: Seconds for which a job is paused whose results have no room.
_FULL = 60.0

#: Seconds between two looks at which pipelines there are.
_LOOK = 5.0

#: Faults of services, which are none of the task's: it is tried as often as it takes.
_ELSEWHERE = (UnreachableError, BusyError, QueueFullError)

T = TypeVar("T")

#: The exit code of a consumer that ends because a task of it hangs.
HUNG = 70


class Consumer:
    """A consumer of the queue of ``backend``: of ``pipelines``, by default of all there are.

    ``name`` tells it from the others; by default one that no other has. ``say`` is given a line
    for each failure. ``leave`` ends the process at once, with an exit code: threads that hang
    cannot be ended. Raises `OptionError` for a device or an address that cannot be.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        threads: int | None = None,
        device: Device = "auto",
        model_server: str | None = None,
        pipelines: Sequence[str] | None = None,
        name: str | None = None,
        say: Callable[[str], object] = lambda _: None,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.threads = threads or cores()
        self._backend, self._queue = backend, backend.queue
        self._only = pipelines
        self._say, self._leave = say, leave
        self._looked = float("-inf")
        self._queues: list[str] = []
        for pipeline in pipelines or ():
            registry.find(pipeline)
        self._models = stoppable(models(device, self.threads, model_server))
        place = _workplace()
        self._scratch, self._lock = own_folder(place / "scratch")
        cache = Cache(place / "cache", backend.settings.cache_bytes)
        self._plans = Plans(backend, self._models)
        self._listing = Listing(
            backend, Uploads(backend.redis, backend.bucket, backend.settings), cache
        )
        inputs = Inputs(backend, cache)
        self._processing = Processing(backend.bucket, self._plans, inputs, self._scratch)
        self._away = False
        #: Set when nothing is to be told the queue any more.
        self._gone = Event()

    def run(self, stop: Event, ready: Callable[[], object] = lambda: None) -> None:
        """Take and do tasks until ``stop`` is set, then finish what is in hand, or give it back.

        ``ready`` is called once the queue and the bucket answer. Raises `OptionError` where the
        queue refuses the password.
        """
        Thread(target=warm, name="warm", daemon=True).start()
        self._hands = Hands(self.threads, self._do)
        beating = Event()
        pulse = Thread(target=self._beat, args=(beating,), name="beat", daemon=True)
        try:
            self._meet(stop)
            pulse.start()
            if not stop.is_set():
                ready()
            self._take(stop)
            self._drain()
            if not stop.is_set():
                self._say("too many of its threads are in calls that cannot be stopped; it ends")
                self._leave(HUNG)
        finally:
            self._hands.end()
            beating.set()
            self._gone.set()
            shutil.rmtree(self._scratch, ignore_errors=True)
            os.close(self._lock)

    # Taking

    def _meet(self, stop: Event) -> None:
        """Wait until the queue and the bucket answer."""
        pause = 0.1
        while not stop.is_set():
            try:
                self._queue.ping()
                self._backend.bucket.ping()
                return
            except TemporaryError as error:
                self._say(f"waits: {error}")
                stop.wait(pause)
                pause = min(2 * pause, 5.0)

    def _take(self, stop: Event) -> None:
        """Keep the hands full until ``stop`` is set, or too many threads were lost.

        A few more tasks than there are threads are in hand, so that no thread waits for the queue;
        no more, so that others find what they could do.
        """
        most = self.threads + max(1, self.threads // 4)
        alone, suspects, pause = False, 0, _SOON
        while not stop.is_set() and self._hands.lost <= 2 * self.threads:
            held = self._hands.count()
            if held >= most or (held and (alone or suspects)):
                self._hands.wait(_LATE)
                continue
            try:
                taken = self._queue.take(self.name, self._names(), most - held, idle=not held)
            except TemporaryError as error:
                self._is_away(error)
                stop.wait(pause)
                pause = min(2 * pause, 1.0)
                continue
            self._away = False
            alone, suspects = taken.alone, taken.suspects
            for task in taken.tasks:
                self._hands.give(task)
            if taken.tasks:
                pause = _SOON
            else:
                self._hands.wait(pause)
                pause = min(2 * pause, _LATE)

    def _names(self) -> list[str]:
        """The queues to look at; each is the first in its turn."""
        if self._only is not None:
            self._queues = self._queues or list(self._only)
        elif time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            self._queues = list(registry.names())
        self._queues = self._queues[1:] + self._queues[:1]
        return self._queues

    def _drain(self) -> None:
        """Give back what was not begun, finish the rest or, when that takes long, give it back."""
        for task in self._hands.take_back():
            self._give_back(task)
        end = time.monotonic() + _DRAIN
        while self._hands.count() and time.monotonic() < end:
            self._hands.wait(0.1)
        for held in self._hands.held():
            held.given_back = True
            self._give_back(held.task)
            held.stop.set()

    def _give_back(self, task: Task) -> None:
        """Let others do a task at once; where the queue is away, they will after a lease."""
        with suppress(TemporaryError):
            self._queue.release(task, "the consumer ended", counts=False)

    # Living

    def _beat(self, ended: Event) -> None:
        """Say that the consumer lives, and hear what is not wanted any more."""
        while True:
            self._end_if_hung()
            self._hands.leave_hung()
            held = [one for one in self._hands.held() if not one.stopped]
            pause = _BEAT
            try:
                kept = self._queue.beat(self.name, [one.task for one in held])
            except CytomillError:
                pause = _BEAT / 4  # the thread that takes says so
            else:
                for one, keep in zip(held, kept, strict=True):
                    if not keep:
                        self._hands.stop(one)
            if ended.wait(pause):
                return

    def _end_if_hung(self) -> None:
        """End the process where a task takes longer than any should: its thread cannot be ended."""
        seconds = self._backend.settings.task_seconds
        now = time.monotonic()
        held = self._hands.held()
        hung = [one for one in held if one.begun and now - one.begun > seconds]
        if not hung:
            return
        told = f"took longer than {seconds} s; raise CYTOMILL_TASK_SECONDS if it may"
        for one in held:
            if one in hung:
                self._say(f"{_called(one.task)}: {told}; the consumer ends")
                with suppress(TemporaryError):
                    self._queue.release(one.task, told)
            else:
                self._give_back(one.task)
        self._leave(HUNG)

    # Doing

    def _do(self, held: Held) -> None:
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
            self._say(reason(error, _called(task)))

    def _done(self, held: Held) -> Ended | Fanned:
        task, begun = held.task, time.perf_counter()
        if task.kind not in (Kind.LIST, Kind.REPORT):
            return self._processing.do(task)
        plan = self._plans.plan(task.job)
        if task.kind is Kind.REPORT:
            report(self._backend, plan, self._scratch)
        else:
            job = self._queue.job(task.job)
            if job is not None and not (job.sealed or job.state.ended):
                wanted = functools.partial(self._wanted, held)
                self._listing.list(job, plan.outputs, plan.products, wanted)
        return Ended(Outcome.DONE, seconds=time.perf_counter() - begun)

    def _wanted(self, held: Held) -> bool:
        return not (held.stop or held.given_back or self._gone.is_set())

    def _failed(self, task: Task, error: Exception) -> None:
        """A task could not be done: for good, or now."""
        told = reason(error, _called(task))
        if not passes(error):
            self._finish(task, Ended(Outcome.FAILED, reason=told))
            return
        self._say(f"{_called(task)}: {told}")
        if is_full(error):
            self._undo(task)
            if (job := self._tell(lambda: self._queue.job(task.job))) is not None:
                self._tell(lambda: self._queue.pause(job, full(error), seconds=_FULL))
        counts = not (is_full(error) or isinstance(error, _ELSEWHERE))
        again = functools.partial(self._queue.release, task, told)
        self._tell(lambda: again(counts=counts, seconds=_AGAIN))

    def _finish(self, task: Task, ended: Ended) -> None:
        if ended.outcome is Outcome.FAILED:
            self._say(f"{_called(task)}: {ended.reason}")
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
            self._clear(task, lambda: self._processing.published(task, ended))
        else:
            self._clear(task, lambda: self._processing.undo(task))

    def _undo(self, task: Task) -> None:
        """Remove what an attempt wrote that will not count."""
        if task.kind in (Kind.ITEM, Kind.MERGE):
            self._clear(task, lambda: self._processing.undo(task))

    def _clear(self, task: Task, remove: Callable[[], None]) -> None:
        try:
            remove()
        except TemporaryError as error:
            self._say(f"{_called(task)}: {error}")  # the report removes what is left

    def _tell(self, what: Callable[[], T]) -> T | None:
        """Tell the queue something, however long it is away; None where the consumer has ended."""
        pause = _SOON
        while not self._gone.is_set():
            try:
                answer = what()
                self._away = False
                return answer
            except TemporaryError as error:
                self._is_away(error)
                self._gone.wait(pause)
                pause = min(2 * pause, 1.0)
        return None

    def _is_away(self, error: TemporaryError) -> None:
        """Say so, once for as long as it lasts."""
        if not self._away:
            self._away = True
            self._say(f"waits: {error}")


def _workplace() -> Path:
    """The folder for temporary files of this user's consumers. Raises `OptionError`."""
    path = Path(tempfile.gettempdir(), f"cytomill-{os.getuid()}")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise OptionError(f"{path}: cannot be used ({error.strerror}); set TMPDIR") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OptionError(f"{path}: is somebody else's; set TMPDIR to a folder of your own")
    return path


def _called(task: Task) -> str:
    """What log lines call a task."""
    match task.kind:
        case Kind.LIST | Kind.REPORT:
            return f"job {task.job}, {task.kind}"
        case Kind.PART:
            return f"job {task.job}, item {task.item}, part {task.part}"
    return f"job {task.job}, item {task.item}"
