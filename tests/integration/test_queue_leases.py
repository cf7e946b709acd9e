"""Consumers that die, hang, or cannot reach the queue for a while, told by their leases alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from cytomill.jobs.errors import QueueAwayError, QueueFullError
from cytomill.jobs.job import Job, State
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.task import Outcome, Task
from tests.redis_server import PATIENCE, RedisServer

Q = "nuclei"
LEASE = 400


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with connect(redis_url) as client:
        yield Queue(client, lease=LEASE)


def _listed(queue: Queue, items: int) -> Job:
    job = queue.submit(Job("j", "anna", Q))
    queue.extend(job, 0, items, last=True)
    return job


def _take(queue: Queue, consumer: str, count: int = 9) -> list[Task]:
    return list(queue.take(consumer, [Q], count, idle=True).tasks)


def _until(found: Callable[[], list[Task]]) -> list[Task]:
    end = time.monotonic() + PATIENCE
    while not (tasks := found()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return tasks


def test_what_the_dead_had_goes_to_the_living(queue: Queue) -> None:
    _listed(queue, 3)
    begun = time.monotonic()
    (lost,) = _take(queue, "dead", 1)
    (kept,) = _take(queue, "living", 1)
    (waiting,) = _take(queue, "living", 1)
    assert queue.finish(waiting, Outcome.DONE)

    def more() -> list[Task]:
        assert queue.beat("living", [kept]) == [True]
        return _take(queue, "living")

    (again,) = _until(more)
    assert time.monotonic() - begun >= (LEASE - 1) / 1000  # Redis counts whole milliseconds
    assert (again.item, again.attempt, again.tries) == (lost.item, 2, 1)
    assert queue.beat("dead", [lost]) == [False]
    assert not queue.finish(lost, Outcome.DONE)
    assert queue.finish(again, Outcome.DONE)
    assert queue.finish(kept, Outcome.DONE)


def test_after_silence_of_all_the_living_get_time_to_speak(queue: Queue) -> None:
    """The server stood still, say: nobody's lease is over for that."""
    _listed(queue, 2)
    (task,) = _take(queue, "c", 1)
    time.sleep(LEASE / 1000 * 1.5)
    assert [other.item for other in _take(queue, "other")] == [1]
    assert queue.beat("c", [task]) == [True]
    assert not _take(queue, "other")
    assert queue.finish(task, Outcome.DONE)


def test_what_was_taken_at_a_server_that_was_killed_is_kept(own_redis: RedisServer) -> None:
    with connect(own_redis.url) as client:
        queue = Queue(client, lease=LEASE)
        job = _listed(queue, 3)
        done, held = _take(queue, "c", 2)
        assert queue.finish(done, Outcome.DONE)
        own_redis.kill()
        for call in (queue.ping, lambda: _take(queue, "c"), lambda: queue.job(job.id)):
            with pytest.raises(QueueAwayError, match="does not answer"):
                call()
        time.sleep(LEASE / 1000)
        own_redis.start()
        assert [task.item for task in _take(queue, "c")] == [2]
        assert queue.beat("c", [held]) == [True]
        assert queue.finish(held, Outcome.DONE)
        now = queue.job(job.id)
        assert now is not None
        assert (now.state, now.done, now.waiting) == (State.RUNNING, 2, 0)


def test_a_full_server_refuses_jobs_and_still_takes_results(own_redis: RedisServer) -> None:
    with connect(own_redis.url) as client:
        queue = Queue(client)
        job = _listed(queue, 1)
        (task,) = _take(queue, "c")
        client.config_set("maxmemory", 1)
        with pytest.raises(QueueFullError):
            queue.submit(Job("other", "anna", Q))
        with pytest.raises(QueueFullError):
            _take(queue, "c")
        assert queue.finish(task, Outcome.DONE)
        now = queue.job(job.id)
        assert now is not None
        assert now.done == 1


def test_consumers_long_gone_are_forgotten(queue: Queue, redis_url: str) -> None:
    """Else every consumer that ever was would be kept."""
    _listed(queue, 3)
    (lost,) = _take(queue, "gone", 1)
    with connect(redis_url) as client:
        client.zadd("{cytomill}:consumers", {"gone": 1})
        assert [task.item for task in _take(queue, "c")] == [1, 2]
        (again,) = _until(lambda: _take(queue, "c"))
        assert again.item == lost.item
        assert queue.consumers(within=1e9) == ["c"]
        names = {
            one["name"]
            for one in client.xinfo_consumers(f"{{cytomill}}:queue:{Q}:tasks", "consumers")
        }
        assert names <= {"c", "reaper"}


def test_a_million_items_need_a_few_bytes_each(queue: Queue, redis_url: str) -> None:
    """And looking at the queue touches none of them."""
    with connect(redis_url) as client:
        job = _listed(queue, 1000)
        _calls(queue, job, redis_url)  # loads the script
        before = client.info("memory")["used_memory"]
        calls = _calls(queue, job, redis_url)
        big = queue.submit(Job("big", "ben", Q))
        for first in range(0, 1_000_000, 10_000):
            queue.extend(big, first, 10_000, last=first == 990_000)
        used = client.info("memory")["used_memory"] - before
        assert used <= 10 * 1_000_000
        assert _calls(queue, big, redis_url) == calls
        assert queue.numbers(Q).waiting == 1_001_002
        assert len(_take(queue, "c", 64)) == 64


def _calls(queue: Queue, job: Job, url: str) -> dict[str, int]:
    """How often each command is called when one looks at a job and its queue."""
    with connect(url) as client:
        client.config_resetstat()
        queue.numbers(Q)
        queue.job(job.id)
        queue.position(job)
        told = client.info("commandstats")
    return {name: stat["calls"] for name, stat in told.items() if "config" not in name}
