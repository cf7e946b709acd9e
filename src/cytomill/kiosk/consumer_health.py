"""What whoever runs a consumer asks of it: whether it lives, is ready, and its metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..errors import CytomillError
from ..jobs.errors import BucketFullError
from .consumer import Consumer
from .queue_metrics import Queues

#: Seconds without a sign of its threads after which a consumer is taken to hang: more than the
#: queue and the bucket take to be found away.
_HANGS = 90.0

#: Seconds for which the answer of the queue and the bucket is taken to hold.
_HOLDS = 5.0


class ConsumerHealth:
    """The `Health` of a consumer."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._lock = threading.Lock()
        self._asked, self._fault = float("-inf"), ""
        self._own, self._queues = CollectorRegistry(), CollectorRegistry()
        self._own.register(_Facts(consumer))
        self._queues.register(Queues(consumer.backend.queue))

    def live(self) -> str:
        """See `Health.live`. Services that are away are no reason to end a consumer."""
        silent = time.monotonic() - self._consumer.turned
        return f"its threads hang: no sign of them for {silent:.0f} s" if silent > _HANGS else ""

    def ready(self) -> str:
        """See `Health.ready`: whether it takes tasks, and queue and bucket answer."""
        if self._consumer.draining:
            return "takes nothing more: it is to end"
        return self._services()

    def metrics(self) -> bytes:
        """See `Health.metrics`; without those of the queue where that is away."""
        try:
            queues: bytes = generate_latest(self._queues)
        except CytomillError:
            queues = b""
        return bytes(generate_latest(self._own)) + queues

    def _services(self) -> str:
        """What the queue and the bucket said just now; empty where both answer."""
        with self._lock:
            if time.monotonic() - self._asked >= _HOLDS:
                self._fault = ""
                try:
                    self._consumer.backend.queue.ping()
                    self._consumer.backend.bucket.ping()
                except BucketFullError:
                    pass  # jobs are paused for that, and others may need no room
                except CytomillError as error:
                    self._fault = str(error)
                self._asked = time.monotonic()
            return self._fault


class _Facts(Collector):
    """Of the consumer alone; read when they are asked for."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def describe(self) -> Iterable[Metric]:
        """None: nothing else is in its registry."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        told = self._consumer.told()
        gauges = {
            "threads": ("Tasks that it can do at once", told["threads"]),
            "tasks": ("Tasks that it has in hand", len(self._consumer.held())),
            "idle_seconds": ("Seconds since it had anything in hand", told["idle"]),
            "draining": ("Whether it takes nothing more", told["draining"]),
            "waits": ("Whether it waits for a service that is away", bool(told["waiting_for"])),
            "clock_seconds": (
                "Seconds that its clock is ahead of the queue's",
                self._consumer.clock,
            ),
        }
        for name, (words, value) in gauges.items():
            yield GaugeMetricFamily(f"cytomill_consumer_{name}", words, value=float(value))
        ended = CounterMetricFamily(
            "cytomill_consumer_items", "Images that ended here", labels=["outcome"]
        )
        for outcome in ("done", "failed"):
            ended.add_metric([outcome], told[outcome])
        yield ended
        yield CounterMetricFamily(
            "cytomill_consumer_busy_seconds",
            "Seconds that its threads were at tasks",
            value=self._consumer.busy_seconds,
        )
