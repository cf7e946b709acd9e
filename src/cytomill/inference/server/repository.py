"""The models of a server: which there are, and how they come into memory and leave it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from time import monotonic

from ..load import cores
from . import memory
from .budget import Budget
from .call import Died
from .options import Options
from .process import Worker
from .request import Code, ServerError
from .served import NOT_LOADED, Served, State
from .sources import PIXELS, Source, scan

#: Seconds that a model which is to be unloaded has for the requests in hand.
_LAST_REQUESTS = 60.0

#: Seconds between measurements of a worker's memory while it works.
_BETWEEN = 1.0


class Repository:
    """Models by name, loaded on demand; the methods belong to the event loop's thread."""

    def __init__(self, options: Options, copies: Executor) -> None:
        limit = options.memory or memory.available()
        self.budget = Budget(limit, self._everyone, self._evict)
        self._options, self._copies = options, copies
        self._served: dict[str, Served] = {}
        self._leaving: set[Served] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()
        self._closed = False

    def __iter__(self) -> Iterator[Served]:
        return iter(sorted(self._served.values(), key=lambda served: served.name))

    def find(self, name: str, version: str = "") -> tuple[Served, str]:
        """The model that is served as ``name``, and the ending of the view; raises NOT_FOUND."""
        ending = PIXELS if name.endswith(PIXELS) else ""
        served = self._served.get(name.removesuffix(PIXELS))
        if served is None or (ending and served.views and ending not in served.views):
            raise self.unknown(name)
        if version not in ("", served.version):
            raise ServerError(
                Code.NOT_FOUND,
                f"model {name} has no version {version!r}; it has version {served.version}",
            )
        return served, ending

    def unknown(self, name: str) -> ServerError:
        """What to say of a name that no model has."""
        known = [served.name + ending for served in self for ending in served.views or ("",)]
        return ServerError(
            Code.NOT_FOUND, f"no model {name!r}; the models are: {', '.join(known) or 'none'}"
        )

    async def refresh(self) -> None:
        """Look at the folder for models that were added, changed or removed.

        A changed model that is in memory stays as it is until it is loaded anew.
        """
        async with self._looking:
            known = {served.name: served.source for served in self}
            found = await asyncio.to_thread(scan, self._options.models, known)
            for name, source in found.items():
                served = self._served.get(name)
                if served is None:
                    self._served[name] = Served(source, self._options, self.budget.pulse)
                elif served.source != source:
                    served.changed(source)
            for name in self._served.keys() - found.keys():
                self._spawn(self._remove(self._served.pop(name)))

    async def ensure(self, served: Served) -> None:
        """Have a model in memory, ready when this returns; raises `ServerError`.

        Whoever asks first has it loaded, and all wait for that.
        """
        while not served.ready:
            task = self._loading(served)
            served.waiters += 1
            try:
                await asyncio.wait([task])
            finally:
                served.waiters -= 1
                if served.short and not served.waiters:
                    task.cancel()  # nobody wants the room any more
            if not task.cancelled():
                task.result()

    async def load(self, served: Served) -> None:
        """As `ensure`, without a pause after failures, and anew where the files have changed."""
        if served.ready and served.loaded != served.source:
            await self.unload(served, "is being replaced")
        served.retry_at = 0.0
        await self.ensure(served)

    async def unload(self, served: Served, reason: str = "was unloaded") -> None:
        """Free a model's memory once what waits and runs is done."""
        async with served.lock:
            if served.worker is None:
                return
            served.state, served.reason = State.UNLOADING, "is being unloaded"
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_REQUESTS):
                    while served.scheduler.waiting or served.scheduler.running:
                        await self.budget.change()
            await self._stop(served, reason)

    def returned(self, served: Served) -> None:
        """A request is done with a model."""
        served.hands -= 1
        served.idle_since = monotonic()
        self.budget.pulse()
        if served.worker is not None and monotonic() - served.measured > _BETWEEN:
            served.measured = monotonic()
            self._spawn(self._measure(served, served.worker))

    async def close(self) -> None:
        """Stop every worker; requests in hand fail. Idempotent."""
        self._closed = True
        everyone = list(self._everyone())
        tasks = [served.loading for served in everyone if served.loading] + list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for served in everyone:
            served.scheduler.detach(self.closed())
        await asyncio.gather(*(s.worker.close() for s in everyone if s.worker is not None))
        for served in everyone:
            served.stopped("the server is shutting down")

    @property
    def hands(self) -> int:
        """Requests in hand."""
        return sum(served.hands for served in self._everyone())

    @staticmethod
    def closed() -> ServerError:
        """What to say once the server stops."""
        return ServerError(Code.UNAVAILABLE, "the server is shutting down; send it again later")

    def _loading(self, served: Served) -> asyncio.Task[None]:
        """The task that loads a model, begun here if there is none."""

        def over(task: asyncio.Task[None]) -> None:
            served.recovering = False
            if not task.cancelled():
                task.exception()  # whether or not anybody waits for it

        if served.loading is None or served.loading.done():
            served.loading = asyncio.get_running_loop().create_task(self._load(served))
            served.loading.add_done_callback(over)
        return served.loading

    async def _load(self, served: Served) -> None:
        async with served.lock:
            if served.worker is not None and not served.worker.alive:
                await served.worker.death()
            if served.ready:
                return
            error = self.closed() if self._closed else served.paused()
            if served.removed:
                error = self.unknown(served.name)
            if error is not None:
                raise error
            served.state, served.reason = State.LOADING, "is being loaded"
            try:
                await self._start(served, served.source)
            except ServerError as error:
                served.failed(str(error))
                served.scheduler.detach(error)
                raise
            except BaseException:
                served.stopped(NOT_LOADED)
                raise
            finally:
                self.budget.pulse()

    async def _start(self, served: Served, source: Source) -> None:
        if source.fault:
            raise ServerError(Code.FAILED_PRECONDITION, source.fault)
        while True:
            await self.budget.make_room(served, served.expected)
            worker = Worker(served.name, self._copies)
            try:
                threads = min(self._options.threads or cores(), cores())
                await worker.load(source.path, self._options.device, threads)
                size = await asyncio.to_thread(memory.of, worker.pid)
                if await self.budget.measured(served, size):
                    if worker.alive:
                        break
                    raise Died(await worker.death())
            except Died as died:
                await worker.close()
                message = f"model {served.name} cannot be loaded: {died}"
                raise ServerError(Code.UNAVAILABLE, message) from None
            except BaseException:
                await worker.close()
                raise
            await worker.close()  # the guess was too small: it waits for its turn
        worker.on_death = partial(self._died, served, worker)
        served.measured = monotonic()
        served.started(worker, source)

    def _died(self, served: Served, worker: Worker, reason: str) -> None:
        """Replace a worker that died, at once if that is the first time in a while."""
        if served.worker is not worker:
            return
        served.restarts += 1
        leaving = served.state is State.UNLOADING
        pause = served.failed(reason)
        if pause or leaving or self._closed:
            served.scheduler.detach(served.paused() or self.closed())
        else:
            served.scheduler.detach()
            served.recovering = True
            self._loading(served)
        self.budget.pulse()

    async def _evict(self, served: Served, reason: str) -> None:
        async with served.lock:
            served.state, served.reason = State.UNLOADING, "is being unloaded"
            await self._stop(served, reason)

    async def _stop(self, served: Served, reason: str) -> None:
        worker = served.worker
        served.scheduler.detach()
        served.worker = None
        if worker is not None:
            await worker.close()
        served.stopped(f"{reason}; its next request loads it")
        self.budget.pulse()

    async def _measure(self, served: Served, worker: Worker) -> None:
        """Keep to the budget although a model takes more since it works."""
        size = await asyncio.to_thread(memory.of, worker.pid) + worker.shared
        if served.worker is not worker or not worker.alive:
            return
        await self.budget.measured(served, size)
        if size > self.budget.limit and served.idle:
            served.expected = served.source.size  # what one large request took, the next may not
            await self._evict(served, "was unloaded, for a request took all memory")

    async def _remove(self, served: Served) -> None:
        served.removed = True
        self._leaving.add(served)
        await self.unload(served, "was removed")
        self._leaving.discard(served)

    def _everyone(self) -> Iterator[Served]:
        """The models there are, and those that are not gone yet."""
        yield from (*self._served.values(), *self._leaving)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
