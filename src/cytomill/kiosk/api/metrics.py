"""Metrics for Prometheus, and the queues as whoever scales consumers needs them.

What a scrape costs does not depend on the number of jobs or images.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ...jobs.queue import Queue
from ..queue_metrics import Queues
from .auth import Caller, allowed
from .common import Held
from .hub import Hub
from .problems import RefusedError
from .schemas import QueueAnswer, QueuesAnswer

router = APIRouter(tags=["operation"])

#: Bounds of the histogram in seconds: from an answer of the queue to a large upload.
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)


class Metrics:
    """The metrics of an API process, in a registry of its own."""

    def __init__(self, queue: Queue, hub: Hub) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Queues(queue))
        self.registry.register(_Streams(hub))
        self._requests = Counter(
            "cytomill_requests",
            "Requests that were answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "cytomill_request_seconds",
            "Seconds until the last byte of an answer",
            ("method", "route"),
            buckets=_BOUNDS,
            registry=self.registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is its template, of which there are few."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class _Streams(Collector):
    """What is read when it is asked for."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauge."""
        streams = self._hub.streams
        yield GaugeMetricFamily("cytomill_event_streams", "Open event streams", value=streams)


def _scraper(request: Request) -> Caller:
    """Who may see the numbers: a token for them alone, or an administrator's."""
    try:
        return allowed("metrics")(request)
    except RefusedError as error:
        if error.status != 403:
            raise
        return allowed("admin")(request)


_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Metrics in Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
def metrics(request: Request, caller: Annotated[Caller, Depends(_scraper)]) -> Response:
    """Metrics for Prometheus."""
    found: Metrics = request.app.state.metrics
    return Response(generate_latest(found.registry), headers={"Content-Type": _TEXT})


@router.get("/queues")
def queues(caller: Annotated[Caller, Depends(allowed("admin"))], held: Held) -> QueuesAnswer:
    """The queues, and the consumers that were heard of lately."""
    found = []
    for name in held.queue.queues():
        n = held.queue.numbers(name)
        found.append(
            QueueAnswer(
                name=name,
                waiting=n.waiting,
                running=n.running,
                age=n.age,
                seconds=n.seconds,
                work=n.work,
            )
        )
    return QueuesAnswer(queues=found, consumers=held.queue.consumers())
