"""The driver for Kubernetes: what it tells of pods that it neither starts nor stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis

from cytomill.jobs.errors import QueueAwayError
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.servers import Servers
from cytomill.scaling.keda.watching import Watching
from cytomill.scaling.policy import Wish
from cytomill.scaling.snapshot import Pool, Role, State, Worker
from tests.driver_contract import WatchingTests
from tests.redis_server import RedisServer

CONSUMERS = Pool("consumers", Role.CONSUMER, most=3, startup=60.0)
GPU = Pool("gpu", Role.MODEL_SERVER)


class Pods:
    """Pods of a Deployment: threads that beat as consumers do."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._queue = Queue(connect(server.url))
        self._running: dict[str, tuple[threading.Event, threading.Thread]] = {}
        self._numbers = 0
        self.pool = CONSUMERS
        self.driver = self.another()

    def another(self) -> Watching:
        return self._driver(self._server.url)

    def stranger(self) -> Watching:
        return self._driver(f"{self._server.url}?db=1")

    def _driver(self, url: str) -> Watching:
        client = connect(url)
        return Watching(Queue(client), Servers(client), [CONSUMERS, GPU], within=4.0)

    def begin(self, count: int) -> None:
        for _ in range(count):
            self._numbers += 1
            name, ended = f"consumers.release-7d9f-{self._numbers}", threading.Event()
            thread = threading.Thread(target=self._beat, args=(name, time.time(), ended))
            thread.start()
            self._running[name] = ended, thread

    def _beat(self, name: str, since: float, ended: threading.Event) -> None:
        while not ended.wait(0.1):
            with suppress(QueueAwayError):
                self._queue.beat(name, [], {"since": since, "pipelines": ["nuclei"]})

    def alive(self) -> Collection[str]:
        return list(self._running)

    def kill(self, worker: Worker) -> None:
        ended, thread = self._running.pop(worker.id)
        ended.set()
        thread.join()

    def away(self) -> None:
        self._server.kill()

    def back(self) -> None:
        self._server.start()

    def end(self) -> None:
        for worker in [Worker(name, "", State.READY, 0.0) for name in self._running]:
            self.kill(worker)


class TestWatching(WatchingTests):
    @pytest.fixture
    def rig(self, own_redis: RedisServer) -> Iterator[Pods]:  # type: ignore[override]
        pods = Pods(own_redis)
        yield pods
        pods.end()


def test_after_the_queue_was_away_workers_have_a_while_to_find_it(own_redis: RedisServer) -> None:
    now = time.time()
    client = connect(own_redis.url)
    queue, servers = Queue(client), Servers(client)
    driver = Watching(queue, servers, [CONSUMERS], within=0.5, clock=lambda: now)
    queue.beat("consumers.a", [], {"since": now})
    assert [one.id for one in driver.workers()] == ["consumers.a"]
    own_redis.kill()
    assert [one.id for one in driver.workers()] == ["consumers.a"]
    (trouble,) = driver.troubles()
    assert "does not answer" in trouble.cause
    time.sleep(0.6)
    own_redis.start()
    assert driver.troubles() == []
    assert [one.id for one in driver.workers()] == ["consumers.a"]
    now += 0.6
    assert list(driver.workers()) == []


class Watched:
    """A driver whose workers beat when a test says so, in the test's own time."""

    def __init__(self, client: redis.Redis) -> None:
        self.queue, self.servers, self.now = Queue(client), Servers(client), time.time()
        pools = [CONSUMERS, GPU]
        self.driver = Watching(self.queue, self.servers, pools, clock=lambda: self.now)

    def beat(self, name: str, **told: Any) -> None:
        self.queue.beat(name, [], {"since": self.now, "pipelines": ["nuclei"], **told})

    def gone(self, name: str) -> None:
        self.queue.bury(name, [])

    def states(self) -> dict[str, State]:
        return {one.id: one.state for one in self.driver.workers()}

    def worker(self, name: str) -> Worker:
        (found,) = [one for one in self.driver.workers() if one.id == name]
        return found


@pytest.fixture
def watched(redis_url: str) -> Iterator[Watched]:
    with connect(redis_url) as client:
        yield Watched(client)


def test_those_asked_for_are_told_until_as_many_have_come(watched: Watched) -> None:
    watched.driver.start(CONSUMERS, 2)
    assert list(watched.states().values()) == [State.ASKED, State.ASKED]
    asked, watched.now = watched.now, watched.now + 50
    watched.beat("consumers.a")
    assert sorted(watched.states().values()) == [State.ASKED, State.READY]
    assert watched.worker("consumers.a").since == asked  # as its start-up is measured
    watched.beat("consumers.b")
    watched.beat("consumers.c")  # that Kubernetes has for reasons of its own
    assert list(watched.states().values()) == [State.READY] * 3
    assert watched.worker("consumers.c").since == watched.now


def test_those_not_wanted_before_they_came_are_forgotten(watched: Watched) -> None:
    watched.driver.start(CONSUMERS, 3)
    first, *others = watched.driver.workers()
    watched.driver.stop(others)
    assert set(watched.states()) == {first.id}


def test_which_pod_ends_is_up_to_kubernetes(watched: Watched) -> None:
    for name in "abc":
        watched.beat(f"consumers.{name}")
    watched.driver.stop([watched.worker("consumers.a")])
    assert watched.states()["consumers.a"] is State.DRAINING
    watched.beat("consumers.b", draining=True)
    assert watched.states() == {
        "consumers.a": State.READY,
        "consumers.b": State.DRAINING,
        "consumers.c": State.READY,
    }


def test_one_that_ends_as_it_was_meant_to_leaves_no_trace(watched: Watched) -> None:
    for name in "ab":
        watched.beat(f"consumers.{name}")
    watched.driver.stop([watched.worker("consumers.a")])
    watched.beat("consumers.a", draining=True)
    assert watched.states() == {"consumers.a": State.DRAINING, "consumers.b": State.READY}


def test_one_that_kubernetes_keeps_counts_again(watched: Watched) -> None:
    watched.beat("consumers.a")
    watched.driver.stop([watched.worker("consumers.a")])
    watched.now += 121
    assert watched.states() == {"consumers.a": State.READY}


def test_wanted_again_before_it_ended_it_stays(watched: Watched) -> None:
    watched.beat("consumers.a")
    watched.driver.stop([watched.worker("consumers.a")])
    watched.driver.start(CONSUMERS, 1)
    assert watched.states() == {"consumers.a": State.READY}


def test_pods_that_do_not_come_are_a_trouble(watched: Watched) -> None:
    watched.driver.start(CONSUMERS, 2)
    asked, watched.now = watched.now, watched.now + 170
    watched.driver.workers()
    assert watched.driver.troubles() == []
    watched.now += 20
    watched.beat("consumers.a")
    watched.driver.workers()
    (trouble,) = watched.driver.troubles()
    assert trouble.pool == "consumers"
    assert trouble.cause == "pods that were asked for do not come"
    assert trouble.since == asked
    assert "kubectl describe pod" in trouble.advice
    watched.beat("consumers.b")
    watched.driver.workers()
    assert watched.driver.troubles() == []


def test_what_the_tolerance_of_kubernetes_keeps_back_is_none(watched: Watched) -> None:
    for number in range(20):
        watched.beat(f"consumers.{number}")
    watched.driver.workers()
    watched.driver.start(CONSUMERS, 2)
    watched.now += 600
    watched.driver.workers()
    assert watched.driver.troubles() == []


def test_pools_are_told_apart_by_names(watched: Watched) -> None:
    watched.beat("consumers.a")
    watched.beat("on-a-laptop")
    watched.beat("gpu.b")  # no model server
    watched.servers.beat("gpu.c", "gpu-0:8500", {"since": 1.0})
    watched.servers.beat("consumers.d", "laptop:8500", {"since": 1.0})
    pools = {one.id: one.pool for one in watched.driver.workers()}
    assert pools == {"consumers.a": "consumers", "gpu.c": "gpu"}


def test_kubernetes_is_not_told_to_end_the_busy(watched: Watched) -> None:
    watched.beat("consumers.a", doing=[{"job": "j"}])
    watched.beat("consumers.b", doing=[{"job": "j"}])
    watched.beat("consumers.c", doing=[])
    watched.beat("consumers.d", doing=[{"job": "j"}], draining=True)
    watched.servers.beat("gpu.a", "gpu-0:8500", {"since": 1.0, "running": 0, "waiting": 3})
    watched.driver.workers()
    wishes = {"consumers": Wish(1, "little to do"), "gpu": Wish(0, "nothing to do")}
    kept = watched.driver.kept(wishes)
    assert {name: wish.count for name, wish in kept.items()} == {"consumers": 2, "gpu": 1}
    assert kept["consumers"].why == "little to do; so many are busy"
    more = {"consumers": Wish(5, "much to do"), "gpu": Wish(0, "all is spent", firm=True)}
    assert watched.driver.kept(more) == more
