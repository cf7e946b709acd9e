"""What the autoscaler tells: how many workers there are and should be, why, and what is amiss.

Key::

    {cytomill}:scaling  string  JSON: the newest `Status`; dropped when it was not written for
                                `SECONDS`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import redis

from ..jobs.queue import PREFIX
from ..jobs.redis import told
from .driver import Trouble
from .snapshot import Role

_KEY = f"{PREFIX}scaling"

#: Seconds after which what was told is not true any more.
SECONDS = 60


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool: how many workers are wanted, why, and how many there are in which state.

    ``busy`` are some of those that are ready; ``reason`` is why those asked for have no place yet,
    in the words of their engine. ``spent`` is in the unit of the pool's price.
    """

    name: str
    role: Role
    pipelines: tuple[str, ...]
    wanted: int
    why: str
    asked: int
    starting: int
    ready: int
    busy: int
    draining: int
    most: int
    reason: str = ""
    spent: float = 0.0
    startup: float = 0.0
    troubles: tuple[Trouble, ...] = ()

    @property
    def coming(self) -> int:
        """Workers that were asked for and are not ready."""
        return self.asked + self.starting


@dataclass(frozen=True, slots=True)
class Status:
    """What an autoscaler last decided, at ``time`` in seconds since 1970.

    ``engine`` is where its workers run, in words; ``currency`` is empty where nothing has a price.
    """

    time: float
    policy: str
    engine: str
    pools: tuple[PoolStatus, ...]
    troubles: tuple[Trouble, ...] = ()
    """Those of no pool, such as of the engine itself."""

    currency: str = ""

    def consumers_of(self, pipeline: str) -> list[PoolStatus]:
        """The pools whose consumers take tasks of a pipeline."""
        return [
            one
            for one in self.pools
            if one.role is Role.CONSUMER and (not one.pipelines or pipeline in one.pipelines)
        ]

    def servers(self) -> list[PoolStatus]:
        """The pools of model servers."""
        return [one for one in self.pools if one.role is Role.MODEL_SERVER]


class Board:
    """The board in the Redis that ``client`` speaks to.

    Its methods raise `QueueAwayError` where Redis does not answer.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def write(self, status: Status) -> None:
        """Tell how things stand."""
        with told():
            self._client.set(_KEY, json.dumps(asdict(status)), ex=SECONDS)

    def read(self) -> Status | None:
        """What was told last; None where no autoscaler did of late."""
        with told():
            stored = self._client.get(_KEY)
        return _status(json.loads(stored)) if stored else None

    def clear(self) -> None:
        """Take down what was told: whoever told it ends."""
        with told():
            self._client.delete(_KEY)


def _status(stored: Mapping[str, Any]) -> Status:
    pools = tuple(_pool(one) for one in stored["pools"])
    return Status(**{**stored, "pools": pools, "troubles": _troubles(stored)})


def _pool(stored: Mapping[str, Any]) -> PoolStatus:
    pipelines = tuple(stored["pipelines"])
    parsed = {"role": Role(stored["role"]), "pipelines": pipelines, "troubles": _troubles(stored)}
    return PoolStatus(**{**stored, **parsed})


def _troubles(stored: Mapping[str, Any]) -> tuple[Trouble, ...]:
    return tuple(Trouble(**one) for one in stored["troubles"])
