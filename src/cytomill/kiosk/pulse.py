"""The pulse of a consumer: that it lives, what it tells of itself, and what hangs in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from ..errors import CytomillError, TemporaryError
from ..pipelines.faults import reason
from .backend import Backend
from .clock import ahead, skewed
from .hands import Hands, Held
from .work import called

#: Seconds between two heartbeats: a quarter of the lease, so that one may be lost.
_BEAT = 2.0

#: Seconds between two looks at the clock.
_CLOCK = 30.0

#: The exit code of a consumer that ends because a task of it hangs.
HUNG = 70

Say = Callable[[str], object]


class Pulse:
    """Says every two seconds that the consumer ``name`` lives and what it has in ``hands``.

    What it hears is not wanted any more is stopped. ``facts`` is what it tells of itself. Where a
    task takes longer than any should the process ends, by ``leave``: its thread cannot be ended.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        hands: Hands,
        facts: Callable[[Sequence[Held]], Mapping[str, Any]],
        say: Say,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._name, self._backend, self._hands = name, backend, hands
        self._facts, self._say, self._leave = facts, say, leave
        self._now, self._ended = Event(), Event()
        self._looked = float("-inf")
        self._skewed = False
        #: Seconds that this machine's clock is ahead of the queue's.
        self.clock = 0.0
        self._turned: float | None = None

    @property
    def turned(self) -> float:
        """When it last went round, by the monotonic clock; now where it has not begun."""
        return time.monotonic() if self._turned is None else self._turned

    def start(self) -> None:
        """Begin, in a thread of its own."""
        Thread(target=self._run, name="beat", daemon=True).start()

    def now(self) -> None:
        """Tell at once what has changed."""
        self._now.set()

    def end(self) -> None:
        """Say nothing more."""
        self._ended.set()
        self._now.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._now.clear()
            self._turned = time.monotonic()
            self._end_if_hung()
            self._hands.leave_hung()
            self._now.wait(self._beat())

    def _beat(self) -> float:
        """A heartbeat; returns the seconds until the next."""
        held = [one for one in self._hands.held() if not one.stopped]
        try:
            self._look_at_the_clock()
            told = {**self._facts(held), "clock": round(self.clock, 3)}
            kept = self._backend.queue.beat(self._name, [one.task for one in held], told)
        except CytomillError:
            return _BEAT / 4  # the thread that takes says so
        except Exception as error:  # without its pulse the consumer would lose its tasks
            self._say(reason(error, "heartbeat"))
            return _BEAT
        for one, keep in zip(held, kept, strict=True):
            if not keep:
                self._hands.stop(one)
        return _BEAT

    def _look_at_the_clock(self) -> None:
        if time.monotonic() - self._looked < _CLOCK:
            return
        self.clock = ahead(self._backend.redis)
        self._looked = time.monotonic()
        told = skewed(self.clock)
        if told and not self._skewed:
            self._say(told)
        self._skewed = bool(told)

    def _end_if_hung(self) -> None:
        """End the process where a task takes longer than any should."""
        seconds = self._backend.settings.task_seconds
        now = time.monotonic()
        held = self._hands.held()
        hung = [one for one in held if one.begun and now - one.begun > seconds]
        if not hung:
            return
        told = f"took longer than {seconds} s; raise CYTOMILL_TASK_SECONDS if it may"
        queue = self._backend.queue
        for one in held:
            with suppress(TemporaryError):
                if one in hung:
                    self._say(f"{called(one.task)}: {told}; the consumer ends")
                    queue.release(one.task, told)
                else:
                    queue.release(one.task, "the consumer ended", counts=False)
        self._leave(HUNG)
