"""The consumer: takes tasks from the queue and does them.

One thread takes, several do, and one says every two seconds that the consumer lives and what it has
in hand; what that hears is not wanted any more is stopped. Whatever dies, hangs or is cut off, the
queue gives its tasks to others, and what comes late is not published.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from ..errors import CytomillError, OptionError, TemporaryError
from ..inference.load import Device, cores, models
from ..jobs.task import Task
from ..ops.jitcache import warm
from ..pipelines import registry
from ..pipelines.faults import reason
from .backend import Backend
from .hands import Hands, Held
from .stopping import stoppable
from .work import Work, called

#: Seconds between two heartbeats: a quarter of the lease, so that one may be lost.
_BEAT = 2.0

#: Seconds between two looks at an empty queue: at first, and at most.
_SOON, _LATE = 0.02, 0.5

#: Seconds for which what is in hand may be finished when the consumer is to end.
_DRAIN = 20.0

#: Seconds between two looks at which pipelines there are.
_LOOK = 5.0

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
        self._since = time.time()
        self._model_server = model_server or ""
        self._say, self._leave = say, leave
        self._looked = float("-inf")
        self._queues: list[str] = []
        for pipeline in pipelines or ():
            registry.find(pipeline)
        own = stoppable(models(device, self.threads, model_server))
        self._work = Work(backend, own, say)

    def run(self, stop: Event, ready: Callable[[], object] = lambda: None) -> None:
        """Take and do tasks until ``stop`` is set, then finish what is in hand, or give it back.

        ``ready`` is called once the queue and the bucket answer. Raises `OptionError` where the
        queue refuses the password.
        """
        Thread(target=warm, name="warm", daemon=True).start()
        self._hands = Hands(self.threads, self._work.do)
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
            self._work.close()

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
                self._work.waits(error)
                stop.wait(pause)
                pause = min(2 * pause, 1.0)
                continue
            self._work.goes_on()
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
            try:
                self._queues = list(registry.names())
            except OptionError as error:  # those that were there before still are
                self._say(str(error))
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
                kept = self._queue.beat(self.name, [one.task for one in held], self._told(held))
            except CytomillError:
                pause = _BEAT / 4  # the thread that takes says so
            except Exception as error:  # without its pulse the consumer would lose its tasks
                self._say(reason(error, "heartbeat"))
            else:
                for one, keep in zip(held, kept, strict=True):
                    if not keep:
                        self._hands.stop(one)
            if ended.wait(pause):
                return

    def _told(self, held: Sequence[Held]) -> dict[str, Any]:
        """What operators are told of this consumer."""
        now = time.monotonic()
        doing = [
            {
                "job": one.task.job,
                "kind": one.task.kind,
                "item": one.task.item,
                "seconds": round(now - one.begun, 1),
            }
            for one in held
            if one.begun
        ]
        return {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": self._since,
            "threads": self.threads,
            "pipelines": list(self._queues),
            "model_server": self._model_server,
            "done": self._work.done,
            "failed": self._work.failed,
            "doing": doing,
        }

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
                self._say(f"{called(one.task)}: {told}; the consumer ends")
                with suppress(TemporaryError):
                    self._queue.release(one.task, told)
            else:
                self._give_back(one.task)
        self._leave(HUNG)
