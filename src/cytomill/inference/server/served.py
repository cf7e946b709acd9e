"""One model of a server: what is known of it, its worker while it has one, and its queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from time import monotonic

from .call import Signature
from .options import Options
from .process import Worker
from .request import Code, ServerError
from .scheduler import Scheduler
from .sources import Source
from .statistics import Statistics, WorkerFigures

#: Seconds before a worker that keeps dying is started again: they double from 1 to this.
_LONGEST_PAUSE = 60.0

#: Rows joined into a run by default where a GPU computes.
_BATCH = 8

#: Why a model is unavailable that nobody has asked for.
NOT_LOADED = "is not loaded; its first request does that"


class State(Enum):
    """Of a model, in the words of the protocol's repository index."""

    UNAVAILABLE = "UNAVAILABLE"
    LOADING = "LOADING"
    READY = "READY"
    UNLOADING = "UNLOADING"


class Served:
    """A model that can be asked; `Repository` loads and unloads it, holding ``lock``.

    ``hands`` counts the requests that have it in hand, from their arrival to their answer: it is
    idle at 0, since ``idle_since``. ``memory`` are the bytes that it takes or that are set aside
    for it, ``expected`` those that it took when it was last loaded. ``short`` says what its loading
    waits for; ``removed`` that its files are gone, and that it is not to be loaded again.
    """

    def __init__(self, source: Source, options: Options, on_end: Callable[[], None]) -> None:
        self.name, self.source = source.name, source
        self.loaded: Source | None = None
        self.state, self.reason = State.UNAVAILABLE, source.fault or NOT_LOADED
        self.views: dict[str, Signature] = {}
        self.platform = ""
        self.worker: Worker | None = None
        self.lock = asyncio.Lock()
        self.loading: asyncio.Task[None] | None = None
        self.waiters, self.hands = 0, 0
        self.idle_since = monotonic()
        self.memory, self.expected, self.measured = 0, source.size, 0.0
        self.short = ""
        self.recovering, self.removed = False, False
        self.loads, self.restarts = 0, 0
        self.retry_at = 0.0
        self._failures = 0  # in a row, without an answer in between
        self._options = options
        self._counters: dict[str, Statistics] = {}
        self.scheduler = Scheduler(self.name, options, self.counters, self._answered, on_end)

    @property
    def ready(self) -> bool:
        """Whether a request can be queued now."""
        return self.state is State.READY and self.worker is not None and self.worker.alive

    @property
    def idle(self) -> bool:
        """Whether it can be unloaded at once."""
        return self.state is State.READY and not self.hands and not self.lock.locked()

    @property
    def version(self) -> str:
        """Of what is loaded, or would be."""
        return (self.loaded or self.source).version

    def counters(self, ending: str) -> Statistics:
        """Of the view that is served as the model's name with ``ending``."""
        if ending not in self._counters:
            self._counters[ending] = Statistics(self.name + ending, self.version)
        return self._counters[ending]

    def counted(self) -> list[Statistics]:
        """The counters of the views that were ever asked."""
        return list(self._counters.values())

    def figures(self) -> WorkerFigures:
        """Of its worker, for metrics."""
        worker = self.worker
        return WorkerFigures(
            self.name,
            self.version,
            worker.device if worker else "",
            worker.slots if worker else 0,
            self.scheduler.running,
            self.scheduler.waiting + self.waiters,
            self.scheduler.busy / 1e9,
            self.memory if worker else 0,
            self.loads,
            self.restarts,
        )

    def changed(self, source: Source) -> None:
        """Its files are others now; what is in memory stays."""
        self.source = source
        if self.worker is None:
            self.views, self.expected, self.retry_at = {}, source.size, 0.0
            self.reason = source.fault or NOT_LOADED

    def started(self, worker: Worker, source: Source) -> None:
        """It is in memory."""
        self.worker, self.loaded, self.views = worker, source, worker.views
        self.platform = worker.platform
        self.loads += 1
        self.state, self.reason = State.READY, ""
        most = 1
        if self._joins(worker):
            most = self._options.batch or (1 if worker.device.startswith("cpu") else _BATCH)
        self.scheduler.attach(worker, most)

    def stopped(self, reason: str) -> None:
        """It is out of memory, as somebody wished."""
        self.worker, self.loaded, self.memory = None, None, 0
        self.recovering = False
        self.state, self.reason = State.UNAVAILABLE, reason

    def failed(self, reason: str) -> float:
        """It crashed, or could not be loaded; returns the seconds until it is tried again.

        After a single failure that is at once.
        """
        self._failures += 1
        pause = min(_LONGEST_PAUSE, 2.0 ** (self._failures - 2)) if self._failures > 1 else 0.0
        self.retry_at = monotonic() + pause
        self.stopped(reason)
        return pause

    def paused(self) -> ServerError | None:
        """The error to give until it may be tried again, None from then on."""
        left = self.retry_at - monotonic()
        if left <= 0:
            return None
        return ServerError(
            Code.UNAVAILABLE,
            f"model {self.name}: {self.reason}; it is tried again in {max(1, round(left))} s",
        )

    def _answered(self) -> None:
        self._failures = 0

    def _joins(self, worker: Worker) -> bool:
        """Whether requests can be joined along the first axis: it must be a free batch axis.

        A network's file does not say what its axes mean. Without a description the operator does,
        by asking for batches.
        """
        known = worker.batched
        ports = (*worker.views[""].inputs, *worker.views[""].outputs)
        free = all(port.shape[:1] == (-1,) for port in ports)
        return free and (known or (known is None and self._options.batch is not None))
