"""What a consumer waits for: in its log once for as long as it lasts, and what users are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

#: Seconds after which what is still waited for is said again, and what is said in other words.
_AGAIN, _OTHERWISE = 60.0, 10.0


class For(StrEnum):
    """What may be waited for."""

    QUEUE = "the queue"
    BUCKET = "the place of images and results"
    SOURCE = "a source of images"
    MODEL_SERVER = "a model server"


#: Seconds after which what was not met again is not waited for any more: the job may be gone.
_STALE = 300.0


@dataclass(slots=True)
class _Wait:
    words: str
    told: str
    said: float
    met: float


class Waiting:
    """What is waited for now; ``say`` is given the lines. Safe to use from several threads."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._waits: dict[For, _Wait] = {}

    def waits(self, what: For, why: object, told: str = "") -> None:
        """Something is not there: ``why`` goes to the log, ``told`` to users.

        Secrets and addresses may be in ``why``, and must not be in ``told``.
        """
        now, words = time.monotonic(), str(why)
        with self._lock:
            before = self._waits.get(what)
            same = before is not None and before.words == words
            if before and now - before.said < (_AGAIN if same else _OTHERWISE):
                before.met = now
                return
            self._waits[what] = _Wait(words, told, now, now)
        self._say(f"{'still ' if same else ''}waits: {words}")

    def goes_on(self, what: For) -> None:
        """It is there."""
        with self._lock:
            before = self._waits.pop(what, None)
        if before:
            self._say(f"goes on: {what} answers again")

    def __contains__(self, what: For) -> bool:
        return what in self._waits

    @property
    def told(self) -> str:
        """What users are told; empty where nothing is waited for."""
        since = time.monotonic() - _STALE
        with self._lock:
            found = sorted((what, one) for what, one in self._waits.items() if one.met > since)
        return "; ".join(f"{what}, which {one.told}" if one.told else what for what, one in found)
