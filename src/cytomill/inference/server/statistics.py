"""What a server counts: the figures that Triton's statistics and metrics have."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Duration:
    """How often something happened, and the nanoseconds it took in all."""

    count: int = 0
    ns: int = 0

    def add(self, ns: int, count: int = 1) -> None:
        """Count ``count`` more, which took ``ns`` nanoseconds together."""
        self.count += count
        self.ns += ns


@dataclass(slots=True)
class BatchStatistics:
    """Runs of the network on batches of one size."""

    compute_input: Duration = field(default_factory=Duration)
    compute_infer: Duration = field(default_factory=Duration)
    compute_output: Duration = field(default_factory=Duration)


@dataclass(slots=True)
class Statistics:
    """Counters of one served name since the server started; they survive unloading.

    ``inferences`` counts rows of batches (1 per request where there is no batch axis) and
    ``executions`` runs of the network. ``success`` and ``fail`` are whole requests from arrival to
    answer; ``queue``, ``compute_input``, ``compute_infer`` and ``compute_output`` are their parts.
    ``last`` is the time of the last inference in milliseconds since 1970, 0 for never. ``failures``
    counts failed requests by the name of their `Code`. ``batches`` is by the number of rows.
    """

    name: str
    version: str
    inferences: int = 0
    executions: int = 0
    last: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    queue: Duration = field(default_factory=Duration)
    compute_input: Duration = field(default_factory=Duration)
    compute_infer: Duration = field(default_factory=Duration)
    compute_output: Duration = field(default_factory=Duration)
    failures: dict[str, int] = field(default_factory=dict)
    batches: dict[int, BatchStatistics] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """One model's worker at this moment.

    ``slots`` inferences can run at once, 0 where the model is not loaded; ``running`` do, or wait
    inside the worker; ``waiting`` requests are in the queue. ``busy`` are the seconds that
    inferences took since the server started, over all slots: utilisation over a while is the
    difference of ``busy`` over ``slots`` times the while. ``restarts`` counts workers that died.
    ``memory`` is in bytes. ``device`` is as the manifest has it, ``""`` where it is not loaded.
    """

    model: str
    version: str
    device: str
    slots: int
    running: int
    waiting: int
    busy: float
    memory: int
    loads: int
    restarts: int
