"""Clusters to simulate, and policies that are simple enough to foresee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cytomill.scaling.policy import Wish
from cytomill.scaling.simulation.run import Decide, deciding
from cytomill.scaling.simulation.scenario import Arrivals, Effort, Nodes, Scenario
from cytomill.scaling.snapshot import Pool, Role, Snapshot
from cytomill.scaling.steady import Steadying

#: Seconds from asking for a node until workers on it are ready, and part lost in an hour.
STARTUP, LOSS = 120.0, 0.05


@dataclass(frozen=True, slots=True)
class AllOrNone:
    """As many as may be while there is anything to do."""

    name = "all-or-none"
    period = 0.0

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        tasks = sum(one.tasks for one in seen.loads)
        return {one.name: Wish(min(one.most, tasks), "there is work") for one in seen.pools}


def all_or_none() -> Decide:
    """Decides by `AllOrNone`."""
    return deciding(AllOrNone(), Steadying())


def cluster(
    consumers: int = 10,
    servers: int = 1,
    *,
    jobs: int = 1,
    images: int = 100,
    every: float = 0.5,
    own: float = 1.0,
    inference: float = 0.1,
    loss: float = 0.0,
    slots: int = 1,
    threads: int = 1,
    **scenario: Any,
) -> Scenario:
    """Consumers and model servers, each on a node of its own but for ``slots``."""
    pools = [
        Pool("consumers", Role.CONSUMER, most=consumers, threads=threads, startup=STARTUP, price=1),
        Pool("servers", Role.MODEL_SERVER, most=servers, startup=STARTUP, price=10),
    ]
    nodes = {
        "consumers": Nodes(STARTUP, slots, price=1, loss=loss),
        "servers": Nodes(STARTUP, price=10, loss=loss),
    }
    if not inference:
        del pools[1], nodes["servers"]
    effort = Effort(own, inference)
    return Scenario(tuple(pools), effort, Arrivals(jobs, images, every), nodes, **scenario)
