"""The consumer: takes tasks from the queue and does them.

One thread takes, several do, and one says every two seconds that the consumer lives and what it has
in hand, see `pulse`. Whatever dies, hangs or is cut off, the queue gives its tasks to others, and
what comes late is not published.
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

from ..errors import OptionError, TemporaryError
from ..inference.load import Device, cores
from ..jobs.errors import BucketAwayError, BucketFullError
from ..jobs.task import Task
from ..ops.jitcache import warm
from ..pipelines import registry
from .backend import Backend
from .hands import Hands, Held
from .model_servers import models
from .pulse import HUNG, Pulse
from .stopping import stoppable
from .waiting import For, Waiting
from .work import Work

#: Seconds between two looks at an empty queue: at first, and at most.
_SOON, _LATE = 0.02, 0.5

#: Seconds between two tries of a service that is away: at first, and at most.
_TRY, _LATEST_TRY = 0.1, 10.0

#: Seconds for which what is in hand may be finished when the consumer is to end.
DRAIN = 20.0

#: Seconds of its lifetime that a consumer keeps for giving back what it has not finished.
_GIVE_BACK = 1.0

#: Seconds between two looks at which pipelines there are.
_LOOK = 5.0


class Consumer:
    """A consumer of the queue of ``backend``: of ``pipelines``, by default of all there are.

    ``name`` tells it from the others; by default one that no other has. What it has in hand when it
    is to end may be finished for ``drain`` seconds. With a ``lifetime``, in seconds from now, it
    ends itself: it takes nothing more as long before that as ``drain`` and what a task typically
    takes. ``say`` is given a line for each failure. ``leave`` ends the process at once, with an
    exit code: threads that hang cannot be ended. Raises `OptionError` for a device or an address
    that cannot be, and for a lifetime that is over before it begins.
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
        drain: float = DRAIN,
        lifetime: float | None = None,
        say: Callable[[str], object] = lambda _: None,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        if lifetime is not None and lifetime <= drain:
            raise OptionError(
                f"--lifetime {lifetime:g}: must be more than the {drain:g} s of --drain"
            )
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.threads = threads or cores()
        self.backend, self._queue = backend, backend.queue
        self._only = pipelines
        self._since, self._begun = time.time(), time.monotonic()
        self._drain_seconds, self._lifetime = drain, lifetime
        self._model_server = model_server or ""
        self._say, self._leave = say, leave
        self._looked = float("-inf")
        self._queues: list[str] = []
        self._stop, self._over = Event(), False
        self._turned = time.monotonic()
        for pipeline in pipelines or ():
            registry.find(pipeline)
        self._waiting = Waiting(say)
        own, served = models(
            model_server,
            backend.redis,
            device,
            self.threads,
            lambda why: self._waiting.waits(For.MODEL_SERVER, why, "is not there"),
            lambda: self._waiting.goes_on(For.MODEL_SERVER),
        )
        self._work = Work(backend, stoppable(own), say, self._waiting, served)
        self._hands = Hands(self.threads, self._work.do)
        self._pulse = Pulse(self.name, backend, self._hands, self._facts, say, leave)

    def run(self, stop: Event, ready: Callable[[], object] = lambda: None) -> None:
        """Take and do tasks until ``stop`` is set, then finish what is in hand, or give it back.

        ``ready`` is called once the queue and the bucket answer. Raises `OptionError` where the
        queue refuses the password.
        """
        self._stop = stop
        Thread(target=warm, name="warm", daemon=True).start()
        try:
            self._until_it_answers(For.QUEUE, self._queue.ping)
            self._pulse.start()
            self._until_it_answers(For.BUCKET, self._ping_bucket)
            if not self.draining:
                ready()
            hung = not self._take()
            self._pulse.now()
            self._finish()
            if hung:
                self._say("too many of its threads are in calls that cannot be stopped; it ends")
                self._leave(HUNG)
        finally:
            self._hands.end()
            self._pulse.end()
            self._work.close()

    @property
    def draining(self) -> bool:
        """Whether it takes nothing more, because it is to end."""
        if self._left() <= self._drain_seconds + self._hands.typical:
            self._over = True  # for good, though the next task may be a short one
        return self._over or self._stop.is_set()

    @property
    def turned(self) -> float:
        """When both its threads that must never hang last went round, by the monotonic clock."""
        return min(self._turned, self._pulse.turned)

    @property
    def clock(self) -> float:
        """Seconds that this machine's clock is ahead of the queue's."""
        return self._pulse.clock

    @property
    def busy_seconds(self) -> float:
        """Seconds that its threads were at tasks."""
        return self._hands.seconds

    def held(self) -> list[Held]:
        """What it has in hand."""
        return self._hands.held()

    def told(self) -> dict[str, Any]:
        """What operators are told of it, without what it does at the moment."""
        return {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": self._since,
            "threads": self.threads,
            "pipelines": list(self._queues),
            "model_server": self._model_server,
            "done": self._work.done,
            "failed": self._work.failed,
            "draining": self.draining,
            "idle": round(self._hands.idle(), 1),
            "waiting_for": self._waiting.told,
        }

    def _facts(self, held: Sequence[Held]) -> dict[str, Any]:
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
        return {**self.told(), "doing": doing}

    def _left(self) -> float:
        """Seconds of its lifetime that are left."""
        if self._lifetime is None:
            return float("inf")
        return self._lifetime - (time.monotonic() - self._begun)

    # Taking

    def _until_it_answers(self, what: For, ping: Callable[[], object]) -> None:
        pause = _TRY
        while not self.draining:
            self._turned = time.monotonic()
            try:
                ping()
            except TemporaryError as error:
                told = error.told if isinstance(error, BucketAwayError) else ""
                self._waiting.waits(what, error, told)
                self._stop.wait(pause)
                pause = min(2 * pause, _LATEST_TRY)
            else:
                self._waiting.goes_on(what)
                return

    def _take(self) -> bool:
        """Keep the hands full until it is to end; False where too many threads were lost.

        A few more tasks than there are threads are in hand, so that no thread waits for the queue;
        no more, so that others find what they could do. While the bucket is away nothing is taken:
        others may reach it.
        """
        most = self.threads + max(1, self.threads // 4)
        alone, suspects, pause = False, 0, _SOON
        while not self.draining:
            if self._hands.lost > 2 * self.threads:
                return False
            self._turned = time.monotonic()
            if For.BUCKET in self._waiting:
                self._until_it_answers(For.BUCKET, self._ping_bucket)
                continue
            held = self._hands.count()
            if held >= most or (held and (alone or suspects)):
                self._hands.wait(_LATE)
                continue
            try:
                taken = self._queue.take(self.name, self._names(), most - held, idle=not held)
            except TemporaryError as error:
                self._waiting.waits(For.QUEUE, error)
                self._stop.wait(pause)
                pause = min(2 * pause, 1.0)
                continue
            self._waiting.goes_on(For.QUEUE)
            alone, suspects = taken.alone, taken.suspects
            for task in taken.tasks:
                self._hands.give(task)
            if taken.tasks:
                pause = _SOON
            else:
                self._hands.wait(pause)
                pause = min(2 * pause, _LATE)
        return True

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

    def _ping_bucket(self) -> None:
        with suppress(BucketFullError):  # jobs are paused for that, one by one
            self.backend.bucket.ping()

    # Ending

    def _finish(self) -> None:
        """Give back what was not begun, finish the rest or, when that takes long, give it back."""
        if self._over and not self._stop.is_set():
            self._say("its lifetime ends: it takes nothing more and finishes what it has in hand")
        for task in self._hands.take_back():
            self._give_back(task)
        asked: float | None = None
        while self._hands.count() and self._left() > _GIVE_BACK:
            self._turned = time.monotonic()
            if asked is None and (self._stop.is_set() or not self._over):
                asked = time.monotonic()
            if asked is not None and time.monotonic() - asked >= self._drain_seconds:
                break
            self._hands.wait(0.1)
        for held in self._hands.held():
            held.given_back = True
            self._give_back(held.task)
            held.stop.set()

    def _give_back(self, task: Task) -> None:
        """Let others do a task at once; where the queue is away, they will after a lease."""
        with suppress(TemporaryError):
            self._queue.release(task, "the consumer ended", counts=False)
