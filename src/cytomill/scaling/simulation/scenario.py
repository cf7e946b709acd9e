"""What is simulated: what arrives, what it takes, on which nodes, and how soon policies hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..snapshot import Pool


@dataclass(frozen=True, slots=True)
class Nodes:
    """The machines that the workers of a pool run on."""

    startup: float = 120.0
    """Seconds from asking for one until the workers on it are ready."""

    slots: int = 1
    """Workers that one has room for."""

    most: int = 1000

    price: float = 0.0
    """What an hour of one costs, from when it was asked for."""

    loss: float = 0.0
    """Part of them, 0 to 1, that is taken away within an hour, as spot nodes are."""

    keep: float = 0.0
    """Seconds for which one without workers is kept."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What an image takes."""

    own: float
    """Seconds of a consumer's thread: transfer and CPU."""

    inference: float = 0.0
    """Seconds of a model server's thread; 0 where there are no model servers."""

    spread: float = 0.5
    """Own seconds of images are equally likely from ``1 - spread`` to ``1 + spread`` times so
    many."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Jobs that are submitted one after another."""

    jobs: int
    images: int
    """Of each job."""

    every: float = 0.0
    """Seconds between two jobs."""


@dataclass(frozen=True, slots=True)
class Signals:
    """How soon a policy hears of what happens."""

    every: float = 2.0
    """Seconds between two decisions."""

    scrape: float = 0.0
    """Seconds between two looks at the queue and the devices; 0 to look at each decision."""

    rule: float = 0.0
    """Seconds between two times that what was seen is handed on; 0 to do so at once."""

    waking: float | None = None
    """Seconds between two decisions while there is no model server, which then see what is now."""


#: Straight from the queue, as the autoscaler does.
DIRECT = Signals()

#: As in the DeepCell Kiosk: Prometheus scrapes, its rules and the Horizontal Pod Autoscaler every
#: 15 s each, and a program of its own that every 5 s wakes the first model server.
KIOSK = Signals(every=15.0, scrape=15.0, rule=15.0, waking=5.0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cluster and what it has to do."""

    pools: tuple[Pool, ...]
    effort: Effort
    arrivals: Arrivals

    nodes: Mapping[str, Nodes] = field(default_factory=dict)
    """By the name of the pool; one node for each worker, at the pool's price, where it has none."""

    bundle: int = 1
    """Images that are simulated as one task, for loads of which each image need not be."""

    listed: bool = False
    """Whether a job's images are known when it comes. Else it is one task until a consumer has
    listed them, as in the real queue."""

    seed: int = 0

    def nodes_of(self, pool: Pool) -> Nodes:
        """The machines of a pool."""
        return self.nodes.get(pool.name) or Nodes(
            startup=pool.startup, most=pool.most, price=pool.price
        )
