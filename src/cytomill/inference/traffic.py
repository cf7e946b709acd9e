"""Bytes on the wire, counted for those who have them sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Traffic:
    """Bytes of the messages to and from model servers, those of repeated calls among them."""

    sent: int = 0
    received: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, sent: int, received: int) -> None:
        """Count more, from any thread."""
        with self._lock:
            self.sent += sent
            self.received += received


_current: ContextVar[Traffic | None] = ContextVar("traffic", default=None)


@contextmanager
def counted() -> Iterator[Traffic]:
    """What is sent and received inside; what is nested counts outside too.

    A thread that works for the caller counts for it where it runs in a copy of its context, see
    `contextvars.copy_context`.
    """
    traffic, outer = Traffic(), _current.get()
    token = _current.set(traffic)
    try:
        yield traffic
    finally:
        _current.reset(token)
        if outer is not None:
            outer.add(traffic.sent, traffic.received)


def count(*, sent: int = 0, received: int = 0) -> None:
    """Add to what `counted` gives around this call."""
    traffic = _current.get()
    if traffic is not None:
        traffic.add(sent, received)
