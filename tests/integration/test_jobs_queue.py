"""The queue passes the conformance suite, on a real Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.testing import QueueTests


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url) as client:
        yield client


class TestQueue(QueueTests):
    @pytest.fixture
    def queue(self, client: redis.Redis) -> Queue:
        return Queue(client)

    @pytest.fixture
    def leftovers(self, client: redis.Redis) -> Callable[[str], list[str]]:
        return lambda job: _mentioning(client, job)


def _mentioning(client: redis.Redis, text: str) -> list[str]:
    """Keys that have ``text`` in their name or in what they hold, less the history of events."""
    read = {
        "string": lambda key: client.execute_command("GET", key, NEVER_DECODE=1),
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "stream": client.xrange,
    }
    keys = [key for key in client.keys("*") if key != "{cytomill}:events"]
    return [key for key in keys if text in key or text in str(read[client.type(key)](key))]
