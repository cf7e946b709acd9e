"""An event loop in a thread, for programs that do not await or have a loop of their own."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import CytomillError

T = TypeVar("T")


class Loop:
    """A loop that runs until it is closed, or nobody has it any more; ``last`` is awaited then.

    Not the caller's own loop: in Jupyter that is busy running the cell.
    """

    def __init__(self, last: Callable[[], Awaitable[None]]) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=_run, args=(self._loop,), name="cytomill-client", daemon=True
        )
        thread.start()
        self._finish = weakref.finalize(self, _stop, self._loop, thread, last)

    def call(self, work: Awaitable[T]) -> T:
        """The outcome of ``work``; Ctrl-C cancels it, and lets it clean up."""
        begun: list[asyncio.Task[Any]] = []

        async def main() -> T:
            task = asyncio.current_task()
            assert task is not None
            begun.append(task)
            return await work

        if not self._finish.alive:
            if asyncio.iscoroutine(work):
                work.close()
            raise CytomillError("the client is closed; make another")
        future = asyncio.run_coroutine_threadsafe(main(), self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            for task in begun:
                self._loop.call_soon_threadsafe(task.cancel)
            with suppress(CancelledError, Exception):
                future.result()
            raise

    def iterate(self, things: AsyncGenerator[T, None]) -> Iterator[T]:
        """The things, one after the other."""
        end = object()

        async def following() -> Any:
            return await anext(things, end)

        try:
            while (thing := self.call(following())) is not end:
                yield thing
        finally:
            if self._finish.alive:
                self.call(things.aclose())

    def close(self) -> None:
        """Stop the loop; idempotent."""
        self._finish()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _stop(
    loop: asyncio.AbstractEventLoop,
    thread: threading.Thread,
    last: Callable[[], Awaitable[None]],
) -> None:
    async def end() -> None:
        with suppress(Exception):
            await last()
        loop.stop()

    asyncio.run_coroutine_threadsafe(end(), loop)
    if thread is not threading.current_thread():
        thread.join()
