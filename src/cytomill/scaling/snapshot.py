"""What a policy sees: pools, their workers, and what the queues have to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What the workers of a pool are."""

    CONSUMER = "consumer"
    MODEL_SERVER = "model-server"


class State(StrEnum):
    """How far a worker is."""

    ASKED = "asked"
    """Its engine was asked for it and has no place for it yet."""

    STARTING = "starting"
    """It has a place and is not ready."""

    READY = "ready"

    DRAINING = "draining"
    """It finishes what it has in hand, takes nothing new, and ends."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers that are alike, and how many of them there may be."""

    name: str
    role: Role
    least: int = 0
    most: int = 1

    threads: int = 1
    """What a worker does at once: tasks of a consumer, inferences of a model server."""

    startup: float = 30.0
    """Seconds from asking for a worker until it is ready, as measured or else expected."""

    price: float = 0.0
    """What an hour of a worker costs."""

    pipelines: tuple[str, ...] = ()
    """Whose tasks its workers take; of all where it is empty."""

    lifetime: float | None = None
    """Seconds that a worker has, as a time limit gives them; None for no limit."""

    def serves(self, queue: str) -> bool:
        """Whether its workers have to do with the tasks of a queue."""
        return not self.pipelines or queue in self.pipelines


@dataclass(frozen=True, slots=True)
class Worker:
    """A consumer or model server, from when it was asked for until it has ended."""

    id: str
    pool: str
    state: State

    since: float
    """When it was asked for, in seconds since 1970."""

    busy: int = 0
    """Tasks or inferences that it has in hand."""

    idle: float = 0.0
    """Seconds since it last had anything in hand; 0 where it has, or is not ready."""

    ends: float | None = None
    """When its time limit ends it, in seconds since 1970."""

    reason: str = ""
    """Why it is not ready yet, in the words of its engine."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a queue has to do."""

    queue: str

    waiting: int
    """Tasks that nobody has begun."""

    running: int
    """Tasks in the hands of consumers."""

    age: float
    """Seconds since the oldest job with waiting tasks was submitted; 0 where there is none."""

    seconds: float
    """Seconds that a task takes a thread of a consumer, of late; 0 where none has ended yet."""

    inference: float = 0.0
    """Of these, seconds that it has one of a model server's threads; 0 without model servers."""

    @property
    def tasks(self) -> int:
        """Tasks that have not ended."""
        return self.waiting + self.running


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a decision rests on, at one moment."""

    now: float
    """In seconds since 1970."""

    pools: tuple[Pool, ...]
    workers: tuple[Worker, ...]
    loads: tuple[Load, ...]

    use: float | None = None
    """Part of the time, 0 to 1, that the model servers' devices were busy, averaged over those
    that are ready and the last 15 s; None where that is not known."""

    spent: float = 0.0
    """What all workers have cost since the budget began, in the unit of the pools' prices."""

    def of(self, pool: Pool, *states: State) -> list[Worker]:
        """Workers of a pool, those in ``states`` where any are named."""
        found = (one for one in self.workers if one.pool == pool.name)
        return [one for one in found if not states or one.state in states]

    def count(self, pool: Pool) -> int:
        """Workers that a pool has or was asked for, without those that are about to end."""
        return len(self.of(pool, State.ASKED, State.STARTING, State.READY))

    def loads_of(self, pool: Pool) -> list[Load]:
        """What there is to do for a pool."""
        return [one for one in self.loads if pool.serves(one.queue)]
