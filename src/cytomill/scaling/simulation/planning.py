"""What a job will take, by policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..policies import policy
from ..snapshot import Pool, Role
from ..steady import Steadying
from .run import Simulation, deciding
from .scenario import Arrivals, Effort, Nodes, Scenario, Signals

#: Tasks that a job is simulated as, and that a consumer's thread has at least, where images allow:
#: with fewer, when each ends would show in the time of the whole. With more than the last number it
#: would take minutes.
_TASKS, _EACH, _BEARABLE = 20_000, 50, 200_000

#: Times that workers are looked at, roughly, and seconds between two decisions at most.
_LOOKS, _SELDOM = 400_000, 30.0

#: Names of the pools.
CONSUMERS, MODEL_SERVERS = "consumers", "model-servers"


@dataclass(frozen=True, slots=True)
class Asked:
    """A job, and the cluster that does it."""

    images: int

    seconds: float
    """That an image takes a thread of a consumer, without its inference on a model server."""

    inference: float = 0.0
    """Seconds that an image takes a model server; 0 where consumers run the models themselves."""

    consumers: int = 10
    """The most there may be."""

    model_servers: int = 1
    """The most there may be."""

    threads: int = 1
    """Tasks that a consumer does at once."""

    startup: float = 120.0
    """Seconds from asking for a worker until it is ready."""

    price: float = 0.0
    """What an hour of a consumer costs."""

    model_server_price: float = 0.0
    """What an hour of a model server costs."""

    loss: float = 0.0
    """Part of the workers that is lost in an hour."""

    within: float | None = None
    """Seconds for the policy `deadline`."""

    budget: float | None = None
    """For the policy `budget`."""

    seed: int = 0

    def pools(self) -> tuple[Pool, ...]:
        """Of consumers, and of model servers where inference is theirs."""
        consumers = Pool(
            CONSUMERS,
            Role.CONSUMER,
            most=self.consumers,
            threads=self.threads,
            startup=self.startup,
            price=self.price,
        )
        servers = Pool(
            MODEL_SERVERS,
            Role.MODEL_SERVER,
            most=self.model_servers,
            startup=self.startup,
            price=self.model_server_price,
        )
        return (consumers, servers) if self.inference else (consumers,)

    def scenario(self) -> Scenario:
        """The same for a simulation, in which images of large jobs are bundled."""
        hands = self.consumers * self.threads
        bundle = min(self.images // _TASKS, self.images // (_EACH * hands))
        bundle = max(1, bundle, self.images // _BEARABLE)
        effort = Effort(self.seconds, self.inference)
        pools = self.pools()
        nodes = {one.name: _nodes(one, self.loss) for one in pools}
        arrivals = Arrivals(1, self.images)
        return Scenario(pools, effort, arrivals, nodes, bundle, seed=self.seed)

    def signals(self) -> Signals:
        """Decisions every 2 s, more seldom in simulations of days."""
        hands = self.consumers * self.threads
        workers = self.consumers + self.model_servers
        seconds = self.images * max(
            (self.seconds + self.inference) / hands, self.inference / self.model_servers
        )
        return Signals(every=min(_SELDOM, max(2.0, seconds * workers / _LOOKS)))


@dataclass(frozen=True, slots=True)
class Planned:
    """What a job will take under a policy."""

    policy: str

    seconds: float | None
    """From submitting it until its last image is done; None where it never is."""

    first: float | None
    """Seconds until its first image is done."""

    hours: float
    """Of workers, until the last has ended."""

    cost: float
    done: int
    """Images: not all where the budget does not last."""

    most: dict[str, int]
    """The most workers that were ready at a time, by pool."""


def plan(asked: Asked, policies: Sequence[str]) -> list[Planned]:
    """What a job will take, for each of ``policies``.

    Raises `OptionError` for a policy that there is not, or that lacks its number.
    """
    return [_planned(asked, name) for name in policies]


def _planned(asked: Asked, name: str) -> Planned:
    chosen = policy(
        name,
        within=asked.within if name == "deadline" else None,
        budget=asked.budget if name == "budget" else None,
    )
    scenario = asked.scenario()
    decide = deciding(chosen, Steadying(period=chosen.period))
    outcome = Simulation(scenario, decide, asked.signals()).run()
    return Planned(
        name,
        outcome.finished,
        outcome.first,
        outcome.node_hours,
        outcome.cost,
        outcome.done,
        {
            pool.name: max((one.ready[pool.name] for one in outcome.samples), default=0)
            for pool in scenario.pools
        },
    )


def _nodes(pool: Pool, loss: float) -> Nodes:
    """A node for each worker."""
    return Nodes(startup=pool.startup, most=pool.most, price=pool.price, loss=loss)
