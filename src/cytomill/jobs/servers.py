"""Model servers that say in the queue's Redis where they are and how much they have to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from .queue import PREFIX
from .redis import told as telling

#: Milliseconds for which what a server told is kept.
_TOLD = 30_000

#: Seconds after which a server that was not heard of is forgotten.
_GONE = 600


@dataclass(frozen=True, slots=True)
class Announced:
    """A model server, where it listens (``HOST:PORT`` of gRPC), and what it last told of itself.

    ``told`` has ``host``, ``process``, ``since``, ``threads`` (inferences at once), ``running``,
    ``waiting``, ``busy_seconds`` (of its device, since it started), ``requests`` (since then),
    ``draining`` and ``models`` (those in memory).
    """

    name: str
    address: str
    told: Mapping[str, Any]


class Servers:
    """The model servers of the queue in the Redis that ``client`` speaks to.

    Safe to use from several threads. Every method raises `QueueAwayError` where Redis does not
    answer, and `QueueFullError` where its memory is full.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def beat(self, name: str, address: str, told: Mapping[str, Any]) -> None:
        """A server lives; no two at a time may have the same ``name``."""
        text = json.dumps({"address": address, "told": dict(told)})
        with telling():
            now = self._now()
            pipe = self._client.pipeline()
            pipe.set(f"{PREFIX}server:{name}", text, px=_TOLD)
            pipe.zadd(f"{PREFIX}servers", {name: now})
            pipe.zremrangebyscore(f"{PREFIX}servers", 0, now - 1000 * _GONE)
            pipe.execute()

    def leave(self, name: str) -> None:
        """A server has ended."""
        with telling():
            pipe = self._client.pipeline()
            pipe.zrem(f"{PREFIX}servers", name)
            pipe.delete(f"{PREFIX}server:{name}")
            pipe.execute()

    def servers(self, within: float = 15.0) -> list[Announced]:
        """Those heard of in the last ``within`` seconds, by name."""
        with telling():
            since = self._now() - 1000 * within
            names = sorted(self._client.zrangebyscore(f"{PREFIX}servers", since, "+inf"))
            if not names:
                return []
            texts = self._client.mget([f"{PREFIX}server:{name}" for name in names])
        found = ((name, json.loads(text)) for name, text in zip(names, texts, strict=True) if text)
        return [Announced(name, one["address"], one["told"]) for name, one in found]

    def _now(self) -> int:
        """Milliseconds since 1970 by the clock of Redis: those of the machines may differ."""
        seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000
