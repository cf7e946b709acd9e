"""The memory that loaded models share: who may be loaded, and who must leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from . import memory
from .request import Code, ServerError
from .served import Served

#: Seconds that the loading of a model waits for others to become idle.
_PATIENCE = 30.0


class Budget:
    """``limit`` bytes for all ``models`` together; ``evict`` unloads an idle one for a reason."""

    def __init__(
        self,
        limit: int,
        models: Callable[[], Iterable[Served]],
        evict: Callable[[Served, str], Awaitable[None]],
    ) -> None:
        self.limit = limit
        self._models, self._evict = models, evict
        self._changed = asyncio.Event()

    def pulse(self) -> None:
        """A model became idle or left: what waits for that looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Wait for the next `pulse`."""
        await self._changed.wait()

    async def make_room(self, served: Served, need: int) -> None:
        """Set ``need`` bytes aside for a model, unloading what is idle.

        Raises `ServerError` where it needs more than there is, and where the others stay busy.
        """
        served.memory = 0
        if need > self.limit:
            raise ServerError(
                Code.FAILED_PRECONDITION,
                f"model {served.name} takes {memory.readable(need)}, more than the "
                f"{memory.readable(self.limit)} that all models may take together; start the "
                "server with a larger --memory",
            )
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self._fits(served, need):
                    served.short = (
                        f"model {served.name} needs {memory.readable(need)} of the "
                        f"{memory.readable(self.limit)} that all models may take together, and "
                        "those that are loaded are busy; try again later"
                    )
                    await self.change()
        except TimeoutError:
            raise ServerError(Code.RESOURCE_EXHAUSTED, served.short) from None
        finally:
            served.short = ""
        served.memory = need

    async def measured(self, served: Served, size: int) -> bool:
        """Tell how much a model takes now; False where the others leave no room for that."""
        served.memory = served.expected = size
        return await self._fits(served, size)

    async def _fits(self, served: Served, need: int) -> bool:
        while sum(each.memory for each in self._models() if each is not served) + need > self.limit:
            idle = self._idle(served)
            if idle is None:
                return False
            await self._evict(idle, f"was unloaded to make room for {served.name}")
        return True

    def _idle(self, but: Served) -> Served | None:
        """The least recently used model that can be unloaded now."""
        idle = [served for served in self._models() if served is not but and served.idle]
        return min(idle, key=lambda served: served.idle_since, default=None)
