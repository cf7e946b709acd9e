"""The tasks that a consumer holds, and the threads that do them.

A thread whose task is not wanted any more is told so; one that does not heed it, because it is in a
library that cannot be stopped, is left to itself, and another takes its place.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread

from ..inference.stop import Stop
from ..jobs.task import Task

#: Seconds after which a thread that was told to stop is left to itself.
_PATIENCE = 1.5

#: Weight of the newest task in what one typically takes.
_NEWEST = 0.2


@dataclass(eq=False, slots=True)
class Held:
    """A task in hand: since when it is being done, and whether and since when it is to stop.

    Times are monotonic, 0 where the event has not been. ``given_back`` says that it is the
    queue's again, so that nothing is to be told of it.
    """

    task: Task
    stop: Stop = field(default_factory=Stop)
    begun: float = 0.0
    stopped: float = 0.0
    given_back: bool = False


class Hands:
    """``threads`` threads that do what they are given, in that order.

    ``do`` does a task and raises nothing.
    """

    def __init__(self, threads: int, do: Callable[[Held], None]) -> None:
        self._do = do
        self._threads = threads
        self._waiting: deque[Held] = deque()
        self._held: dict[Held, None] = {}
        self._changed = Condition()
        self._ending = False
        #: Threads that were left to themselves and have not come back.
        self.lost = 0
        #: Seconds that a task takes, of late; 0 before the first has ended.
        self.typical = 0.0
        #: Seconds that the threads have been at tasks in all.
        self.seconds = 0.0
        self._empty_since = time.monotonic()
        for _ in range(threads):
            self._hire()

    def give(self, task: Task) -> None:
        """Have a task done."""
        held = Held(task)
        with self._changed:
            self._held[held] = None
            self._waiting.append(held)
            self._changed.notify_all()

    def held(self) -> list[Held]:
        """What is in hand, waiting or being done."""
        with self._changed:
            return list(self._held)

    def count(self) -> int:
        """How many tasks are in hand."""
        return len(self._held)

    def idle(self) -> float:
        """Seconds since there last was anything in hand; 0 where there is."""
        with self._changed:
            return 0.0 if self._held else time.monotonic() - self._empty_since

    def wait(self, seconds: float) -> None:
        """Until something has ended, or for so long."""
        with self._changed:
            self._changed.wait(seconds)

    def stop(self, held: Held) -> None:
        """A task is not wanted any more: it is not begun, or stopped."""
        with self._changed:
            held.stopped = held.stopped or time.monotonic()
            if held in self._waiting:
                self._waiting.remove(held)
                self._let_go(held)
        held.stop.set()

    def take_back(self) -> list[Task]:
        """Tasks that were not begun: they are in hand no more."""
        with self._changed:
            tasks = [held.task for held in self._waiting]
            while self._waiting:
                self._let_go(self._waiting.popleft())
            return tasks

    def leave_hung(self) -> None:
        """Leave threads to themselves that were told to stop and have not."""
        with self._changed:
            now = time.monotonic()
            for held in [h for h in self._held if h.begun and h.stopped]:
                if now - held.stopped > _PATIENCE:
                    self._let_go(held)
                    self.lost += 1
                    self._hire()

    def end(self) -> None:
        """Let the threads end when they have done what they are at."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _hire(self) -> None:
        Thread(target=self._work, name="hand", daemon=True).start()

    def _let_go(self, held: Held) -> None:
        self._held.pop(held, None)
        self._empty_since = time.monotonic()
        self._changed.notify_all()

    def _work(self) -> None:
        while (held := self._next()) is not None:
            self._do(held)
            with self._changed:
                self._measure(time.monotonic() - held.begun)
                if held not in self._held:  # it was left to itself, and has a successor
                    self.lost -= 1
                    return
                self._let_go(held)

    def _measure(self, took: float) -> None:
        self.seconds += took
        self.typical += (took - self.typical) * (_NEWEST if self.typical else 1.0)

    def _next(self) -> Held | None:
        with self._changed:
            while not self._waiting:
                if self._ending:
                    return None
                self._changed.wait()
            held = self._waiting.popleft()
            held.begun = time.monotonic()
            return held
