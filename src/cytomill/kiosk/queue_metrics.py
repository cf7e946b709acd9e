"""What the queues have to do, for Prometheus: read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..jobs.queue import Queue

_TOLD = (
    ("waiting", "Tasks that nobody has begun"),
    ("running", "Tasks in the hands of consumers"),
    ("age", "Seconds since the oldest waiting job was submitted"),
    ("seconds", "Seconds that a task takes, of late"),
    ("work", "Seconds of work that wait"),
)


class Queues(Collector):
    """Gauges of all queues, and the number of consumers."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """None: to know them the queue would have to be there."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges. Raises `QueueAwayError`."""
        found = [(name, self._queue.numbers(name)) for name in self._queue.queues()]
        count = len(self._queue.consumers())
        for kind, words in _TOLD:
            gauge = GaugeMetricFamily(f"cytomill_queue_{kind}", words, labels=["queue"])
            for name, numbers in found:
                gauge.add_metric([name], getattr(numbers, kind))
            yield gauge
        yield GaugeMetricFamily("cytomill_consumers", "Consumers heard of lately", value=count)
