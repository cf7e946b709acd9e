"""What is measured of workers from look to look: start-up, and how busy model servers are.

Key::

    {cytomill}:measured  string  JSON: the last start-ups of each pool, in seconds, and the share of
                                 model servers in tasks, for the next autoscaler
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import redis

from ..jobs.queue import PREFIX
from ..jobs.redis import told

_KEY = f"{PREFIX}measured"

#: Start-ups of a pool that are remembered: the last of a size that one odd node does not change.
_STARTUPS = 9

#: Seconds over which the use of devices is averaged.
_USE = 15.0

#: Seconds over which the share of the model servers in tasks is averaged: many tasks end in it.
_WINDOW = 120.0

#: Seconds of tasks that must have ended in them to tell that share.
_ENOUGH = 5.0

#: The share before it could be told, about that of a nucleus model on a GPU, and the least it is
#: taken to be.
_EXPECTED, _LEAST = 0.05, 0.02

#: Minutes of the queue's counts to be looked at: a look may be late by more than one.
MINUTES = 3


class Notes:
    """What was measured, in the Redis that ``client`` speaks to, over restarts.

    Its methods raise `QueueAwayError` where Redis does not answer.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._written = ""

    def read(self) -> tuple[Startups, Using]:
        """What an earlier autoscaler measured."""
        with told():
            stored = self._client.get(_KEY)
        if not stored:
            return Startups(), Using()
        found = json.loads(stored)
        return Startups(found["startups"]), Using(found["share"])

    def write(self, startups: Startups, using: Using) -> None:
        """Keep what was measured, if that is new."""
        text = json.dumps({"startups": startups.all(), "share": round(using.share(), 3)})
        if text != self._written:
            with told():
                self._client.set(_KEY, text)
            self._written = text


class Startups:
    """The moving median of the seconds from asking for a worker of a pool until it is ready."""

    def __init__(self, known: Mapping[str, Sequence[float]] | None = None) -> None:
        self._seconds: dict[str, deque[float]] = {
            pool: deque(seconds, maxlen=_STARTUPS) for pool, seconds in (known or {}).items()
        }

    def add(self, pool: str, seconds: float) -> None:
        """A worker of a pool became ready."""
        self._seconds.setdefault(pool, deque(maxlen=_STARTUPS)).append(max(0.0, seconds))

    def all(self) -> dict[str, list[float]]:
        """What is remembered, by pool."""
        return {pool: list(seconds) for pool, seconds in self._seconds.items()}

    def of(self, pool: str, expected: float) -> float:
        """That of a pool; ``expected`` before any has come."""
        found = self._seconds.get(pool)
        return median(found) if found else expected


@dataclass(frozen=True, slots=True)
class Served:
    """What a model server says that it has done since it started."""

    threads: int
    busy_seconds: float


@dataclass(frozen=True, slots=True)
class _Look:
    """Sums at a moment, in seconds: time that there was of devices' threads, and was used."""

    now: float
    there: float
    used: float
    tasks: float


class Using:
    """How busy model servers are, and which part of a task's time they have."""

    def __init__(self, share: float = _EXPECTED) -> None:
        self._looks: deque[_Look] = deque()
        self._servers: dict[str, Served] = {}
        self._minutes: dict[int, float] = {}
        self._share = share

    def add(self, now: float, servers: Mapping[str, Served], minutes: Mapping[int, float]) -> None:
        """Take in a look at the servers that are ready, and the seconds of tasks by minute."""
        last = self._looks[-1] if self._looks else _Look(now, 0.0, 0.0, 0.0)
        there, used = last.there, last.used
        for name, one in servers.items():
            before = self._servers.get(name)
            if before is not None and one.busy_seconds >= before.busy_seconds:
                there += one.threads * (now - last.now)
                used += one.busy_seconds - before.busy_seconds
        # What ended before the first look says nothing of the servers as they are.
        known = self._minutes if self._looks else minutes
        tasks = last.tasks + sum(
            max(0.0, seconds - known.get(minute, 0.0)) for minute, seconds in minutes.items()
        )
        self._servers, self._minutes = dict(servers), dict(minutes)
        self._looks.append(_Look(now, there, used, tasks))
        while now - self._looks[0].now > _WINDOW:
            self._looks.popleft()
        first = self._looks[0]
        if tasks - first.tasks >= _ENOUGH and servers:
            self._share = min(1.0, max(_LEAST, (used - first.used) / (tasks - first.tasks)))

    def use(self) -> float | None:
        """Part of the last 15 s that the devices were used, 0 to 1; None where not known."""
        if len(self._looks) < 2:
            return None
        last = self._looks[-1]
        recent = [one for one in self._looks if last.now - one.now <= _USE]
        first = recent[0] if len(recent) > 1 else self._looks[-2]
        there = last.there - first.there
        return min(1.0, (last.used - first.used) / there) if there > 0 else None

    def share(self) -> float:
        """Seconds of a model server's thread for a second of a consumer's, above 0 and up to 1.

        The last that could be measured, and a guess before that: it never is so little that model
        servers would be taken not to be needed.
        """
        return self._share
