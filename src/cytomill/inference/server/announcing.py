"""Telling others that a server is there, and how much it has to do."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Protocol

from ...errors import CytomillError
from ..load import cores
from .request import ServerError
from .service import Service

#: Seconds between two times that a server says that it lives.
_BEAT = 2.0

Say = Callable[[str], object]


class Notices(Protocol):
    """Where servers are announced; its calls may take a while, and raise `CytomillError`."""

    def beat(self, address: str, told: Mapping[str, Any]) -> None:
        """The server at ``address``, ``HOST:PORT`` of gRPC, lives; ``told`` is as of `told`."""
        ...

    def leave(self) -> None:
        """The server has ended."""
        ...


@asynccontextmanager
async def announced(
    service: Service, notices: Notices | None, address: str, warn: Say
) -> AsyncIterator[Callable[[], object]]:
    """Within it ``service`` is announced at ``address`` to ``notices``, if there are any.

    What it gives is to be called when the server takes nothing new. ``warn`` is given a line of
    each fault.
    """
    if notices is None:
        yield lambda: None
        return
    announcing = _Announcing(service, notices, address, warn)
    running = asyncio.create_task(announcing.run())
    try:
        yield announcing.drain
    finally:
        announcing.end()
        await running


class _Announcing:
    def __init__(self, service: Service, notices: Notices, address: str, warn: Say) -> None:
        self._service, self._notices = service, notices
        self._address, self._warn = address, warn
        self._since = time.time()
        self._draining = self._ended = False
        self._now = asyncio.Event()
        self._fault = ""

    async def run(self) -> None:
        """Say every two seconds that the server lives, until `end`."""
        while not self._ended:
            self._now.clear()
            facts = told(self._service) | {"since": self._since, "draining": self._draining}
            await self._try(partial(self._notices.beat, self._address, facts))
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT):
                    await self._now.wait()
        await self._try(self._notices.leave)

    def drain(self) -> None:
        """Say at once that the server takes nothing new."""
        self._draining = True
        self._now.set()

    def end(self) -> None:
        """The server has ended."""
        self._ended = True
        self._now.set()

    async def _try(self, what: Callable[[], object]) -> None:
        """Do ``what``; a fault is told once for as long as it lasts."""
        try:
            await asyncio.to_thread(what)
        except Exception as error:  # without its pulse the server would be forgotten
            told = str(error) if isinstance(error, CytomillError) else repr(error)
            if told != self._fault:
                self._warn(f"cannot be announced: {told}; tries again")
            self._fault = told
        else:
            self._fault = ""


def told(service: Service) -> dict[str, Any]:
    """What a server tells of itself: all of its process, and nothing where it has not started."""
    try:
        workers, statistics = service.workers(), service.statistics()
    except ServerError:
        workers, statistics = [], []
    slots = [one.slots for one in workers if one.slots]
    # What a device can do at once is known when a model is on it.
    threads = max(slots, default=min(service.options.threads or cores(), cores()))
    return {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "threads": threads,
        "running": sum(one.running for one in workers),
        "waiting": sum(one.waiting for one in workers),
        "busy_seconds": round(sum(one.busy for one in workers), 3),
        "requests": sum(one.success.count + one.fail.count for one in statistics),
        "models": [one.model for one in workers if one.slots],
    }
