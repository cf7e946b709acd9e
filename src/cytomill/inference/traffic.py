"""Bytes on the wire, counted for the thread that sends and receives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Bytes of the messages to and from model servers, those of repeated calls among them."""

    sent: int = 0
    received: int = 0

    def add(self, other: Traffic) -> None:
        """Take over what was counted elsewhere."""
        self.sent += other.sent
        self.received += other.received


_current: ContextVar[Traffic | None] = ContextVar("traffic", default=None)


@contextmanager
def counted() -> Iterator[Traffic]:
    """What this thread sends and receives inside; what is nested counts outside too."""
    traffic, outer = Traffic(), _current.get()
    token = _current.set(traffic)
    try:
        yield traffic
    finally:
        _current.reset(token)
        if outer is not None:
            outer.add(traffic)


def count(*, sent: int = 0, received: int = 0) -> None:
    """Add to what `counted` gives around this call."""
    traffic = _current.get()
    if traffic is not None:
        traffic.add(Traffic(sent, received))
