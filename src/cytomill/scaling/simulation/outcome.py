"""What came of a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..snapshot import Snapshot, State
from ..steady import Decision


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment of it: ``seconds`` after the first job came."""

    seconds: float
    waiting: int
    running: int
    use: float | None
    asked: Mapping[str, int]
    """Workers that are not ready yet, by pool."""

    ready: Mapping[str, int]
    """Workers that are ready or draining, by pool."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """A pool was made smaller after it was made larger, or the other way round."""

    seconds: float
    pool: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it took; all times are in seconds after the first job came."""

    done: int
    """Images."""

    finished: float | None
    """When the last image was done; None where not all were."""

    first: float | None
    """When the first image was done."""

    idle: float | None
    """When there was no node any more; None where there still were some."""

    hours: Mapping[str, float]
    """Hours of nodes, by pool."""

    cost: float
    losses: int
    """Workers that were lost with their nodes."""

    reversals: tuple[Reversal, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def node_hours(self) -> float:
        """Hours of nodes of all pools."""
        return sum(self.hours.values())

    def most_reversals(self, begin: float, end: float, window: float = 300.0) -> int:
        """The most reversals of a pool within ``window`` seconds, between ``begin`` and ``end``."""
        times: dict[str, list[float]] = {}
        for one in self.reversals:
            if begin <= one.seconds <= end:
                times.setdefault(one.pool, []).append(one.seconds)
        return max(
            (
                sum(first <= other < first + window for other in of_pool)
                for of_pool in times.values()
                for first in of_pool
            ),
            default=0,
        )


@dataclass(slots=True)
class Diary:
    """Keeps moments and reversals; what only makes up for losses is none."""

    begin: float
    every: float
    samples: list[Sample] = field(default_factory=list)
    reversals: list[Reversal] = field(default_factory=list)
    _direction: dict[str, int] = field(default_factory=dict)
    _lost: dict[str, int] = field(default_factory=dict)

    def decided(self, seen: Snapshot, decision: Decision, losses: Mapping[str, int]) -> None:
        """Something was decided; ``losses`` are all workers that were lost so far, by pool."""
        seconds = seen.now - self.begin
        for pool, count in decision.start.items():
            missing = losses[pool] - self._lost.get(pool, 0)
            self._lost[pool] = self._lost.get(pool, 0) + min(count, missing)
            if count > missing:
                self._turned(pool, 1, seconds)
        for pool in {one.pool for one in decision.stop}:
            self._turned(pool, -1, seconds)
        if not self.samples or seconds >= self.samples[-1].seconds + self.every:
            self.samples.append(sample(seen, seconds))

    def _turned(self, pool: str, direction: int, seconds: float) -> None:
        if self._direction.get(pool, direction) != direction:
            self.reversals.append(Reversal(seconds, pool))
        self._direction[pool] = direction


def sample(seen: Snapshot, seconds: float) -> Sample:
    """What a snapshot shows."""
    coming, there = (State.ASKED, State.STARTING), (State.READY, State.DRAINING)
    return Sample(
        seconds,
        sum(one.waiting for one in seen.loads),
        sum(one.running for one in seen.loads),
        seen.use,
        {pool.name: len(seen.of(pool, *coming)) for pool in seen.pools},
        {pool.name: len(seen.of(pool, *there)) for pool in seen.pools},
    )
