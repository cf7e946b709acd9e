"""From a queue to pods and back to none: real queue, policy and autoscaler, asked as KEDA asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import grpc
import pytest

from cytomill.jobs.job import Job, State
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.servers import Servers
from cytomill.jobs.task import Kind, Outcome
from cytomill.scaling.autoscaler import Autoscaler
from cytomill.scaling.keda import Wanted, Watching
from cytomill.scaling.keda.serve import serving
from cytomill.scaling.policies import policy
from cytomill.scaling.snapshot import Pool, Role
from cytomill.scaling.steady import Steadying
from tests.consumers import wait_for
from tests.keda import PATIENCE, Scaled, Scaler
from tests.redis_server import RedisServer

Q = "nuclei"
ITEMS = 120

POOL = Pool("consumers", Role.CONSUMER, most=6, startup=1.0)

#: Cool-downs that a test can wait for.
QUICK = Steadying(shortest=0.5, longest=0.5, calm=0.5)


class Deployment:
    """Pods: threads that take tasks of the queue, as many as KEDA and its HPA want."""

    def __init__(self, url: str, scaled: Scaled) -> None:
        self._url, self.scaled = url, scaled
        self._pods: dict[str, tuple[threading.Event, threading.Thread]] = {}
        self._numbers = self.most = 0

    def step(self) -> int:
        """Have as many pods as are wanted now; the oldest end first, busy or not."""
        wanted = self.scaled.step()
        while len(self._pods) < wanted:
            self._numbers += 1
            name, ended = f"consumers.rs-{self._numbers}", threading.Event()
            thread = threading.Thread(target=self._run, args=(name, ended))
            thread.start()
            self._pods[name] = ended, thread
        while len(self._pods) > wanted:
            ended, thread = self._pods.pop(next(iter(self._pods)))
            ended.set()
            thread.join()
        self.most = max(self.most, len(self._pods))
        return len(self._pods)

    def end(self) -> None:
        for ended, thread in self._pods.values():
            ended.set()
            thread.join()

    def _run(self, name: str, ended: threading.Event) -> None:
        told = {"since": time.time(), "threads": 1, "pipelines": [Q], "doing": []}
        with connect(self._url) as client:
            queue = Queue(client)
            while not ended.is_set():
                tasks = queue.take(name, [Q], 1, idle=True).tasks
                doing = [{"job": one.job} for one in tasks]
                queue.beat(name, list(tasks), {**told, "doing": doing})
                for one in tasks:
                    if one.kind is Kind.LIST:
                        queue.extend(Job(one.job, "ann", Q), 0, ITEMS, last=True)
                    time.sleep(0.02)
                    assert queue.finish(one, Outcome.DONE, seconds=5.0)
                ended.wait(0.0 if tasks else 0.1)
            queue.bury(name, [Q])


@contextmanager
def _autoscaled(url: str, said: list[str]) -> Iterator[grpc.Channel]:
    """An autoscaler, and a way to ask it."""
    with connect(url) as client:
        wanted = Wanted([POOL], fresh=5.0)
        driver = Watching(Queue(client), Servers(client), [POOL])
        stop = threading.Event()
        autoscaler = Autoscaler(
            client,
            [POOL],
            policy("throughput"),
            driver,
            said.append,
            steadying=QUICK,
            tell=lambda wishes: wanted.tell(driver.kept(wishes)),
        )
        running = threading.Thread(target=autoscaler.run, args=(stop,))
        running.start()
        try:
            with (
                serving(wanted, "127.0.0.1:0") as port,
                grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            ):
                grpc.channel_ready_future(channel).result(PATIENCE)
                yield channel
        finally:
            stop.set()
            running.join()


def test_from_nothing_to_many_and_back_to_nothing(redis_url: str) -> None:
    said: list[str] = []
    with _autoscaled(redis_url, said) as channel, connect(redis_url) as client:
        queue, scaler = Queue(client), Scaler(channel, pool="consumers")
        with scaler.stream() as stream:
            assert next(stream).result is False
            job = queue.submit(Job("j", "ann", Q))
            assert next(stream).result is True
            pods = Deployment(redis_url, Scaled(scaler, most=POOL.most))
            try:
                wait_for(lambda: pods.step() and _ended(queue, job))
                wait_for(lambda: pods.step() == 0)
            finally:
                pods.end()
            assert next(stream).result is False
        assert pods.most > 1
        found = queue.job(job.id)
        assert found is not None
        assert found.state is State.DONE
        assert found.done == ITEMS
    assert not any("waits" in line for line in said), said


def _ended(queue: Queue, job: Job) -> bool:
    found = queue.job(job.id)
    return found is not None and found.state is State.DONE


def test_while_redis_is_away_no_pod_is_ended(own_redis: RedisServer) -> None:
    said: list[str] = []
    with _autoscaled(own_redis.url, said) as channel:
        scaler = Scaler(channel, pool="consumers")
        with connect(own_redis.url) as client:
            Queue(client).submit(Job("j", "ann", Q))
        scaled = Scaled(scaler, most=POOL.most)
        wait_for(lambda: scaled.step() >= 1)
        own_redis.kill()

        def known() -> bool:
            with suppress(grpc.RpcError):
                scaler.active()
                return True
            return False

        wait_for(lambda: not known())
        with pytest.raises(grpc.RpcError) as refused:
            scaler.active()
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        there = scaled.replicas
        for _ in range(10):
            assert scaled.step() == there
        own_redis.start()
        wait_for(known)
        assert scaled.step() >= 1
    assert any("does not answer" in line for line in said)
