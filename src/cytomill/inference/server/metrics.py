"""Metrics for Prometheus: Triton's names where Triton has the figure, ours with ``cytomill_``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .request import ServerError
from .service import Service
from .statistics import Duration, Statistics

#: Seconds between two looks at what is busy: Triton's default too.
_INTERVAL = 2.0

#: Triton's reasons for a failure, and the codes they stand for; any other is ``OTHER``.
_REASONS = {
    "REJECTED": ("RESOURCE_EXHAUSTED", "UNAVAILABLE"),
    "CANCELED": ("CANCELLED",),
    "BACKEND": ("INTERNAL",),
}

#: Counters of a model with their parts of its statistics.
_COUNTERS: dict[str, tuple[str, Callable[[Statistics], float]]] = {
    "nv_inference_request_success": ("Requests that were answered", lambda s: s.success.count),
    "nv_inference_count": ("Inferences, rows of a batch each", lambda s: s.inferences),
    "nv_inference_exec_count": ("Runs of the network", lambda s: s.executions),
    "nv_inference_request_duration_us": (
        "Microseconds that requests took in all",
        lambda s: _us(s.success),
    ),
    "nv_inference_queue_duration_us": (
        "Microseconds that requests waited",
        lambda s: _us(s.queue),
    ),
    "nv_inference_compute_input_duration_us": (
        "Microseconds that preparing inputs took",
        lambda s: _us(s.compute_input),
    ),
    "nv_inference_compute_infer_duration_us": (
        "Microseconds that running the network took",
        lambda s: _us(s.compute_infer),
    ),
    "nv_inference_compute_output_duration_us": (
        "Microseconds that taking outputs took",
        lambda s: _us(s.compute_output),
    ),
}

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its samples."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Labels, float], ...]

    def lines(self) -> Iterator[str]:
        """The metric in the text format of Prometheus, version 0.0.4."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            number = int(value) if value == int(value) else value
            yield f"{self.name}{{{pairs}}} {number}" if pairs else f"{self.name} {number}"


class Metrics:
    """The figures of ``service`` and of this machine."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._cpu, self._ticks = 0.0, _ticks()
        self._busy: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._at = time.monotonic()

    async def watch(self) -> None:
        """Look every two seconds at what is busy, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            with suppress(ServerError):  # before it has started
                self.look()

    def look(self) -> None:
        """Take the shares that were busy since the last look."""
        at, ticks = time.monotonic(), _ticks()
        idle, whole = (new - old for new, old in zip(ticks, self._ticks, strict=True))
        self._cpu = 1 - idle / whole if whole else 0.0
        seconds = {}
        for worker in self._service.workers():
            seconds[worker.model] = worker.busy
            spent = worker.busy - self._seconds.get(worker.model, 0.0)
            could = worker.slots * (at - self._at)
            self._busy[worker.model] = min(1.0, spent / could) if could else 0.0
        self._at, self._ticks, self._seconds = at, ticks, seconds

    def text(self) -> str:
        """All metrics in the text format of Prometheus; raises `ServerError` before the start."""
        metrics = [*self._requests(), *self._workers(), *self._machine()]
        return "\n".join(line for metric in metrics for line in metric.lines()) + "\n"

    def _requests(self) -> Iterable[Metric]:
        told = [(_model(s), s) for s in self._service.statistics()]
        for name, (text, value) in _COUNTERS.items():
            yield Metric(name, "counter", text, tuple((labels, value(s)) for labels, s in told))
        failures = [
            ({**labels, "reason": reason}, count)
            for labels, s in told
            for reason, count in _failures(s).items()
        ]
        yield Metric(
            "nv_inference_request_failure", "counter", "Requests that failed", tuple(failures)
        )

    def _workers(self) -> Iterable[Metric]:
        told = [({"model": w.model, "version": w.version}, w) for w in self._service.workers()]
        figures: tuple[tuple[str, str, str, Callable[..., float]], ...] = (
            (
                "nv_inference_pending_request_count",
                "gauge",
                "Requests that wait",
                lambda w: w.waiting,
            ),
            ("cytomill_running_requests", "gauge", "Requests that run", lambda w: w.running),
            ("cytomill_slots", "gauge", "Inferences that can run at once", lambda w: w.slots),
            (
                "cytomill_busy_share",
                "gauge",
                "Share of a model's slots that was busy lately",
                lambda w: self._busy.get(w.model, 0.0),
            ),
            (
                "cytomill_busy_seconds_total",
                "counter",
                "Seconds that inferences took, over all slots",
                lambda w: w.busy,
            ),
            (
                "cytomill_model_memory_bytes",
                "gauge",
                "Memory that a loaded model takes",
                lambda w: w.memory,
            ),
            ("cytomill_model_loads_total", "counter", "Times it was loaded", lambda w: w.loads),
            (
                "cytomill_worker_restarts_total",
                "counter",
                "Workers that died and were replaced",
                lambda w: w.restarts,
            ),
        )
        for name, kind, text, value in figures:
            yield Metric(name, kind, text, tuple((labels, value(w)) for labels, w in told))
        used = sum(worker.memory for _, worker in told)
        loaded = sum(worker.slots > 0 for _, worker in told)
        yield Metric("cytomill_models_loaded", "gauge", "Models in memory", (({}, loaded),))
        yield Metric(
            "cytomill_memory_used_bytes", "gauge", "Memory of loaded models", (({}, used),)
        )
        yield Metric(
            "cytomill_memory_budget_bytes",
            "gauge",
            "Memory that loaded models may take",
            (({}, self._service.memory),),
        )
        yield Metric(
            "cytomill_ready",
            "gauge",
            "Whether the server takes requests",
            (({}, self._service.ready()),),
        )

    def _machine(self) -> Iterable[Metric]:
        total, used = _memory()
        yield Metric(
            "nv_cpu_utilization", "gauge", "Share of all cores that was busy", (({}, self._cpu),)
        )
        yield Metric("nv_cpu_memory_total_bytes", "gauge", "Memory there is", (({}, total),))
        yield Metric("nv_cpu_memory_used_bytes", "gauge", "Memory in use", (({}, used),))


def _model(told: Statistics) -> Labels:
    return {"model": told.name, "version": told.version}


def _failures(told: Statistics) -> dict[str, int]:
    counts = {
        reason: sum(told.failures.get(code, 0) for code in codes)
        for reason, codes in _REASONS.items()
    }
    return {**counts, "OTHER": sum(told.failures.values()) - sum(counts.values())}


def _us(duration: Duration) -> int:
    return duration.ns // 1000


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _ticks() -> tuple[int, int]:
    """Ticks of the clock that all cores were idle, and all there were."""
    with Path("/proc/stat").open() as file:
        counts = list(map(int, file.readline().split()[1:9]))
    return counts[3] + counts[4], sum(counts)


def _memory() -> tuple[int, int]:
    """Bytes of memory of this machine, in all and in use."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    told = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return told["MemTotal"], told["MemTotal"] - told["MemAvailable"]
