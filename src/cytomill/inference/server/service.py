"""The model server without a protocol: what the gRPC and REST front ends call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..runtime import Port
from .options import Options
from .request import Answer, Request
from .statistics import Statistics, WorkerFigures


class State(Enum):
    """Of a model, in the words of the protocol's repository index."""

    UNAVAILABLE = "UNAVAILABLE"
    LOADING = "LOADING"
    READY = "READY"
    UNLOADING = "UNLOADING"


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
    """

    metadata: Metadata
    device: str
    slots: int
    batch: int
    delay: float
    queue: int


class Service:
    """Models in worker processes; every method belongs to the event loop that ran `start`.

    The models are those of ``options.models`` and the built-in ones. Each is served as NAME and,
    where it takes raw pixels too, as NAME.pixels. Methods raise `ServerError`, whose message is for
    the client. A version is ``""`` for whichever there is.
    """

    def __init__(self, options: Options) -> None:
        self.options = options

    async def start(self) -> None:
        """Find the models and load those of ``options.load``.

        Raises `OptionError` for one that there is not and `ServerError` for one that cannot be
        loaded; nothing is left running then.
        """
        raise NotImplementedError

    async def infer(self, request: Request) -> Answer:
        """Run a model, loading it first where it is not.

        Cancelling the task, setting ``request.stop`` and the passing of ``request.deadline`` drop a
        request that waits and stop one that runs. The arrays of the answer are read-only views of
        memory shared with the worker, which is used again once they are garbage: copy what is kept.
        ``request.parameters`` must be empty: a front end takes out those that it honours, and what
        is left is refused by name.
        """
        raise NotImplementedError

    async def index(self) -> list[Entry]:
        """The models there are, sorted; looks at the folder again."""
        raise NotImplementedError

    async def load(self, name: str, deadline: float | None = None) -> None:
        """Load a model, or load it anew where its files have changed; looks at the folder again."""
        raise NotImplementedError

    async def unload(self, name: str) -> None:
        """Free a model's memory once the requests in hand are done; a later request loads it."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether the server takes requests: False before `start`, while it drains, and while a
        worker that died is being replaced."""
        raise NotImplementedError

    def model_ready(self, name: str, version: str = "") -> bool:
        """Whether the model is in memory with a live worker; NOT_FOUND where there is none."""
        raise NotImplementedError

    async def metadata(
        self, name: str, version: str = "", deadline: float | None = None
    ) -> Metadata:
        """What the model takes and gives; loads it where that is not known yet."""
        raise NotImplementedError

    async def config(self, name: str, version: str = "", deadline: float | None = None) -> Config:
        """How the model is run; loads it where that is not known yet."""
        raise NotImplementedError

    def statistics(self, name: str | None = None, version: str = "") -> list[Statistics]:
        """The counters of one served name, by default of all that were ever asked."""
        raise NotImplementedError

    def workers(self) -> list[WorkerFigures]:
        """The workers of the models that were ever loaded, for metrics."""
        raise NotImplementedError

    @property
    def memory(self) -> int:
        """Bytes that loaded models may take together."""
        raise NotImplementedError

    async def drain(self, seconds: float) -> None:
        """Refuse new requests, finish those in hand within ``seconds``, then stop every worker.

        What is not finished by then fails with UNAVAILABLE. Idempotent.
        """
        raise NotImplementedError
