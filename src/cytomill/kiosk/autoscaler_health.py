"""What whoever runs an autoscaler asks of it: whether it lives, is ready, and its metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..scaling.autoscaler import Autoscaler
from ..scaling.board import PoolStatus

#: Seconds without a sign of it after which an autoscaler is taken to hang: more than it waits
#: where Redis is away.
_HANGS = 120.0

#: What is told of each pool: the name of the gauge, its words, and how it is read.
_GAUGES: tuple[tuple[str, str, Callable[[PoolStatus], float]], ...] = (
    ("wanted", "Workers that should be there", lambda one: one.wanted),
    ("asked", "Workers asked for that have no place yet", lambda one: one.asked),
    ("starting", "Workers that have a place and are not ready", lambda one: one.starting),
    ("ready", "Workers that are ready", lambda one: one.ready),
    ("busy", "Workers that have something in hand", lambda one: one.busy),
    ("draining", "Workers that finish what they have in hand", lambda one: one.draining),
    ("most", "Workers that there may be", lambda one: one.most),
    ("spent", "What workers have cost, in the unit of their prices", lambda one: one.spent),
    ("startup_seconds", "Seconds that a worker takes to be ready", lambda one: one.startup),
    ("troubles", "What is amiss", lambda one: len(one.troubles)),
)


class AutoscalerHealth:
    """The `Health` of an autoscaler."""

    def __init__(self, autoscaler: Autoscaler) -> None:
        self._autoscaler = autoscaler
        self._registry = CollectorRegistry()
        self._registry.register(_Pools(autoscaler))

    def live(self) -> str:
        """See `Health.live`. A Redis that is away is no reason to end it."""
        silent = time.monotonic() - self._autoscaler.turned
        return f"it hangs: no sign of it for {silent:.0f} s" if silent > _HANGS else ""

    def ready(self) -> str:
        """See `Health.ready`: whether it decides, or waits for another one that does."""
        return self._autoscaler.fault

    def metrics(self) -> bytes:
        """See `Health.metrics`."""
        return bytes(generate_latest(self._registry))


class _Pools(Collector):
    """The pools as they were at the last decision."""

    def __init__(self, autoscaler: Autoscaler) -> None:
        self._autoscaler = autoscaler

    def describe(self) -> Iterable[Metric]:
        """None: nothing else is in its registry."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The metrics; of a pool none before the first decision."""
        status = self._autoscaler.status
        for name, words, read in _GAUGES:
            gauge = GaugeMetricFamily(f"cytomill_pool_{name}", words, labels=["pool"])
            for one in status.pools if status else ():
                gauge.add_metric([one.name], read(one))
            yield gauge
        decided = status.time if status else 0.0
        yield GaugeMetricFamily(
            "cytomill_autoscaler_decided", "When it last decided, since 1970", value=decided
        )
