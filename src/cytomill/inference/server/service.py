"""The model server without a protocol: what the gRPC and REST front ends call."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter_ns

from ...errors import OptionError
from ..load import cores
from ..runtime import Port
from .ask import ask, in_time
from .options import Options
from .repository import Repository
from .request import Answer, Code, Request, ServerError
from .served import State as State
from .statistics import Statistics, WorkerFigures


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the index; ``reason`` says why a model is not ready, in one line."""

    name: str
    version: str
    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a served name takes and gives."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """How a served name is run.

    ``batch`` is the most rows that are joined into one run, 0 where the first axis of the network
    is no batch or nothing is joined: Triton's ``max_batch_size``. ``delay`` is in seconds.
    ``weights`` is the name of their file and ``sha256`` its hash, both empty where not known.
    """

    metadata: Metadata
    device: str
    slots: int
    batch: int
    delay: float
    queue: int
    weights: str = ""
    sha256: str = ""


class Service:
    """Models in worker processes; every method belongs to the event loop that ran `start`.

    The models are those of ``options.models`` and the built-in ones. Each is served as NAME and,
    where it takes raw pixels too, as NAME.pixels. Methods raise `ServerError`, whose message is for
    the client. A version is ``""`` for whichever there is.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._repository: Repository | None = None
        self._copies = ThreadPoolExecutor(min(4, cores()), "copy")
        self._draining = False

    async def start(self) -> None:
        """Find the models and load those of ``options.load``.

        Raises `OptionError` for one that there is not and `ServerError` for one that cannot be
        loaded; nothing is left running then.
        """
        repository = Repository(self.options, self._copies)
        try:
            await repository.refresh()
            for name in self.options.load:
                try:
                    served, _ = repository.find(name)
                except ServerError as error:
                    raise OptionError(f"--load: {error}") from error
                await repository.load(served)
        except BaseException:
            await repository.close()
            self._copies.shutdown()
            raise
        self._repository = repository

    async def infer(self, request: Request) -> Answer:
        """Run a model, loading it first where it is not.

        Cancelling the task, setting ``request.stop`` and the passing of ``request.deadline`` drop a
        request that waits and stop one that runs. The arrays of the answer are read-only views of
        memory shared with the worker, which is used again once they are garbage: copy what is kept.
        ``request.parameters`` must be empty: a front end takes out those that it honours, and what
        is left is refused by name.
        """
        begun = perf_counter_ns()
        served, ending = self._open.find(request.model, request.version)
        counters = served.counters(ending)
        try:
            if self._draining:
                raise Repository.closed()
            outputs = await ask(self._open, served, ending, request)
        except (ServerError, asyncio.CancelledError) as error:
            code = error.code if isinstance(error, ServerError) else Code.CANCELLED
            counters.fail.add(perf_counter_ns() - begun)
            counters.failures[code.name] = counters.failures.get(code.name, 0) + 1
            raise
        counters.success.add(perf_counter_ns() - begun)
        return Answer(request.model, counters.version, request.id, outputs)

    async def index(self) -> list[Entry]:
        """The models there are, sorted; looks at the folder again."""
        repository = self._open
        await repository.refresh()
        return [
            Entry(served.name + ending, served.version, served.state, served.reason)
            for served in repository
            for ending in served.views or ("",)
        ]

    async def load(self, name: str, deadline: float | None = None) -> None:
        """Load a model, or load it anew where its files have changed; looks at the folder again."""
        repository = self._open
        await repository.refresh()
        served, _ = repository.find(name)
        async with in_time(served, deadline):
            await repository.load(served)

    async def unload(self, name: str) -> None:
        """Free a model's memory once the requests in hand are done; a later request loads it."""
        served, _ = self._open.find(name)
        await self._open.unload(served)

    def ready(self) -> bool:
        """Whether the server takes requests: False before `start`, while it drains, and while a
        worker that died is being replaced."""
        repository = self._repository
        return (
            repository is not None
            and not self._draining
            and not any(served.recovering for served in repository)
        )

    def model_ready(self, name: str, version: str = "") -> bool:
        """Whether the model is in memory with a live worker; NOT_FOUND where there is none."""
        served, ending = self._open.find(name, version)
        return served.ready and ending in served.views and not self._draining

    async def metadata(
        self, name: str, version: str = "", deadline: float | None = None
    ) -> Metadata:
        """What the model takes and gives; loads it where that is not known yet."""
        served, ending = self._open.find(name, version)
        if not served.views:
            async with in_time(served, deadline):
                await self._open.ensure(served)
        signature = served.views.get(ending)
        if signature is None:
            raise self._open.unknown(name)
        return Metadata(
            name, (served.version,), served.platform, signature.inputs, signature.outputs
        )

    async def config(self, name: str, version: str = "", deadline: float | None = None) -> Config:
        """How the model is run; loads it where it is not."""
        served, ending = self._open.find(name, version)
        if not served.ready:
            async with in_time(served, deadline):
                await self._open.ensure(served)
        metadata = await self.metadata(name, version, deadline)
        figures, most = served.figures(), 1 if ending else served.scheduler.most
        weights, sha256 = served.worker.weights if served.worker else ("", None)
        return Config(
            metadata,
            figures.device,
            figures.slots,
            most if most > 1 else 0,
            self.options.delay,
            self.options.queue,
            weights,
            sha256 or "",
        )

    def statistics(self, name: str | None = None, version: str = "") -> list[Statistics]:
        """The counters of one served name, by default of all that were ever asked."""
        if name is None:
            return [counters for served in self._open for counters in served.counted()]
        served, ending = self._open.find(name, version)
        return [served.counters(ending)]

    def workers(self) -> list[WorkerFigures]:
        """The workers of the models that were ever asked for, for metrics."""
        return [served.figures() for served in self._open if served.loads or served.hands]

    @property
    def memory(self) -> int:
        """Bytes that loaded models may take together."""
        return self._open.budget.limit

    async def drain(self, seconds: float) -> None:
        """Refuse new requests, finish those in hand within ``seconds``, then stop every worker.

        What is not finished by then fails with UNAVAILABLE. Idempotent.
        """
        self._draining = True
        repository = self._repository
        if repository is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while repository.hands:
                    await repository.budget.change()
        await repository.close()
        self._copies.shutdown()

    @property
    def _open(self) -> Repository:
        if self._repository is None:
            raise ServerError(Code.UNAVAILABLE, "the server is starting; try again in a moment")
        return self._repository
