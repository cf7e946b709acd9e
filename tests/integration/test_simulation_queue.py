"""The real policy and the real queue, on simulated nodes that start slowly and are lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cytomill.jobs.job import State
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.scaling.policies import policy
from cytomill.scaling.simulation.redis_tasks import RedisTasks
from cytomill.scaling.simulation.run import Simulation, deciding
from cytomill.scaling.simulation.tasks import QUEUE
from cytomill.scaling.steady import Steadying
from tests.clusters import STARTUP, cluster
from tests.redis_server import RedisServer

#: Milliseconds of a lease: simulated consumers have no pulse, and are known to be lost.
LEASE = 3_600_000


@pytest.fixture
def queue(own_redis: RedisServer) -> Iterator[Queue]:
    with connect(own_redis.url) as client:
        # What a disk needs for each of many thousand writes is no part of simulated time.
        client.config_set("appendonly", "no")
        yield Queue(client, lease=LEASE)


def test_every_image_is_done_once_on_nodes_that_are_lost(queue: Queue) -> None:
    jobs, images = 100, 100
    scenario = cluster(
        120, 4, jobs=jobs, images=images, own=20.0, inference=0.1, loss=0.7, slots=3, seed=1
    )
    throughput = policy("throughput", within=None, budget=None)
    tasks = RedisTasks(queue)
    found = Simulation(scenario, deciding(throughput, Steadying()), tasks=tasks).run()
    assert found.losses > 20  # some hands were full when they were lost
    assert found.done == jobs * images
    assert found.idle is not None  # no node is left
    assert found.first is not None
    assert found.first < STARTUP + 2 * 20.0 + 10.0
    ended = [queue.job(f"job-{number}") for number in range(1, jobs + 1)]
    assert all(one is not None and one.state is State.DONE for one in ended)
    assert sum(one.done for one in ended if one) == jobs * images
    assert len(tasks.published) == jobs * images
    assert set(tasks.published.values()) == {1}
    numbers = queue.numbers(QUEUE)
    assert (numbers.waiting, numbers.running) == (0, 0)


def test_the_queue_in_memory_tells_what_the_real_one_does(queue: Queue) -> None:
    scenario = cluster(20, 2, jobs=10, images=100)
    throughput = policy("throughput", within=None, budget=None)
    real = Simulation(scenario, deciding(throughput, Steadying()), tasks=RedisTasks(queue)).run()
    quick = Simulation(scenario, deciding(throughput, Steadying())).run()
    assert quick.done == real.done == 1000
    assert quick.finished == pytest.approx(real.finished, rel=0.1)
    assert quick.node_hours == pytest.approx(real.node_hours, rel=0.1)
