"""Limits of how often something may be done, in a real Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from cytomill.jobs.errors import QueueAwayError
from cytomill.jobs.limits import Limits
from cytomill.jobs.redis import connect


def test_of_many_at_once_the_burst_is_let_through(redis_url):
    with connect(redis_url) as client:
        limits = Limits(client)
        with ThreadPoolExecutor(8) as pool:
            # So slow that nothing comes back while the test runs.
            waits = list(pool.map(lambda _: limits.wait("user:ann", 0.001, 20), range(60)))
        assert waits.count(0) == 20
        assert all(900 < wait <= 1000 for wait in waits if wait)
        assert limits.wait("user:bob", 0.001, 20) == 0


def test_what_is_refused_does_not_count(redis_url):
    with connect(redis_url) as client:
        limits = Limits(client)
        assert limits.wait("x", 0.001, 1) == 0
        first = limits.wait("x", 0.001, 1)
        assert limits.wait("x", 0.001, 1) <= first


def test_nothing_is_kept_of_who_has_gone(redis_url):
    with connect(redis_url) as client:
        Limits(client).wait("x", 10, 5)
        assert 0 < client.pttl("{cytomill}:limit:x") <= 100


def test_without_redis_nobody_is_told_to_slow_down(own_redis):
    with connect(own_redis.url) as client:
        own_redis.kill()
        with pytest.raises(QueueAwayError):
            Limits(client).wait("x", 10, 5)
