"""Whether the API lives, and whether it can be used; asked by whoever starts and stops it."""

from __future__ import annotations

import threading
import time

from fastapi import APIRouter, Request

from ...errors import CytomillError, TemporaryError
from ..backend import Backend
from .common import Held
from .schemas import HealthAnswer

router = APIRouter(prefix="/health", tags=["operation"])

#: Seconds for which the answer of the queue and the bucket is taken to hold: anyone may ask.
_HOLDS = 1.0


class LeavingError(TemporaryError):
    """This process is about to end; ask another one."""


class Readiness:
    """What the queue and the bucket last said; safe to use from several threads."""

    def __init__(self) -> None:
        #: Whether the process is about to end.
        self.leaving = False
        self._lock = threading.Lock()
        self._at = -_HOLDS
        self._error: CytomillError | None = None

    def check(self, held: Backend) -> None:
        """Raises where either cannot be used, and `LeavingError`."""
        if self.leaving:
            raise LeavingError
        with self._lock:
            if time.monotonic() - self._at >= _HOLDS:
                self._error = None
                try:
                    held.queue.ping()
                    held.bucket.ping()
                except CytomillError as error:
                    self._error = error
                self._at = time.monotonic()
            if self._error is not None:
                raise self._error.with_traceback(None)


@router.get("/live")
def live() -> HealthAnswer:
    """The process answers."""
    return HealthAnswer(status="ok")


@router.get("/ready")
def ready(request: Request, held: Held) -> HealthAnswer:
    """The queue and the bucket can be used; 503 with the reason where not."""
    request.app.state.readiness.check(held)
    return HealthAnswer(status="ok")
