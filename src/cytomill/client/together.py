"""Several things at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def each(
    things: Iterable[T] | AsyncIterable[T], work: Callable[[T], Awaitable[None]], at_once: int
) -> None:
    """Await ``work`` of each of ``things``, ``at_once`` at a time.

    They are asked for one by one: a million need not be there at once. What one raises stops all.
    """
    source = _asked(things)
    turn = asyncio.Lock()

    async def worker() -> None:
        while True:
            async with turn:
                try:
                    thing = await anext(source)
                except StopAsyncIteration:
                    return
            await work(thing)

    tasks = [asyncio.create_task(worker()) for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asked(things: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(things, AsyncIterable):
        async for thing in things:
            yield thing
    else:
        for thing in things:
            yield thing
