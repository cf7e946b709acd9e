"""The autoscaler with a real queue: decides soon, acts once, and outlives what goes wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from cytomill.jobs.job import Job
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.servers import Servers
from cytomill.jobs.task import Outcome
from cytomill.scaling.autoscaler import Autoscaler
from cytomill.scaling.board import Board
from cytomill.scaling.driver import Trouble
from cytomill.scaling.lease import Lease
from cytomill.scaling.policy import Wish
from cytomill.scaling.snapshot import Pool, Role, Snapshot, State, Worker
from cytomill.scaling.steady import Steadying
from tests.consumers import wait_for
from tests.redis_server import RedisServer

CONSUMERS = Pool("consumers", Role.CONSUMER, most=4, startup=1.0, price=3600.0)
SERVERS = Pool("model-servers", Role.MODEL_SERVER, most=1, startup=1.0)

#: Cool-downs that tests can wait for.
QUICK = Steadying(shortest=0.2, longest=0.2, calm=0.0)


@dataclass(frozen=True)
class OneForTwo:
    """A worker for each two tasks, one of each kind at least where there are any."""

    name: str = "one-for-two"
    period: float = 0.0

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        tasks = sum(load.tasks for load in seen.loads)
        return {
            pool.name: Wish(-(-tasks // 2), f"{tasks} tasks") if tasks else Wish(0, "nothing to do")
            for pool in seen.pools
        }


@dataclass
class Engine:
    """A driver whose workers are rows; what is done to it is noted with its time."""

    there: dict[str, Worker] = field(default_factory=dict)
    started: list[tuple[float, str, int]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    told: list[Trouble] = field(default_factory=list)
    comes: State = State.STARTING

    def workers(self) -> Sequence[Worker]:
        return list(self.there.values())

    def start(self, pool: Pool, count: int) -> None:
        self.started.append((time.monotonic(), pool.name, count))
        for _ in range(count):
            name = f"{pool.name}-{len(self.there)}-{len(self.started)}"
            self.there[name] = Worker(name, pool.name, self.comes, time.time(), reason="Resources")

    def stop(self, workers: Sequence[Worker]) -> None:
        for one in workers:
            self.stopped.append(one.id)
            self.there[one.id] = replace(one, state=State.DRAINING)

    def troubles(self) -> Sequence[Trouble]:
        return self.told

    def close(self) -> None: ...

    def names(self, pool: Pool = CONSUMERS) -> list[str]:
        return [one.id for one in self.there.values() if one.pool == pool.name]


@dataclass
class Rig:
    """An autoscaler on a queue, an engine, and what it said."""

    url: str
    engine: Engine = field(default_factory=Engine)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = connect(self.url)
        self.queue = Queue(self.client)
        self.board = Board(self.client)
        self.servers = Servers(self.client)

    def autoscaler(self, **more: object) -> Autoscaler:
        return Autoscaler(
            connect(self.url),
            [CONSUMERS, SERVERS],
            OneForTwo(),
            self.engine,
            self.said.append,
            **{"steadying": QUICK, "engine": "the test", **more},  # type: ignore[arg-type]
        )

    @contextmanager
    def running(self, autoscaler: Autoscaler | None = None) -> Iterator[Autoscaler]:
        found = autoscaler or self.autoscaler()
        stop, ready = threading.Event(), threading.Event()
        thread = threading.Thread(target=found.run, args=(stop, ready.set))
        thread.start()
        try:
            wait_for(lambda: ready.is_set() or self.said)
            yield found
        finally:
            stop.set()
            thread.join(60)
        assert not thread.is_alive()

    def submit(self, name: str = "j", items: int = 0, pipeline: str = "nuclei") -> Job:
        job = self.queue.submit(Job(name, "ann", pipeline))
        if items:
            self.queue.extend(job, 0, items, last=True)
        return job

    def beat(self, name: str, tasks: int = 0) -> None:
        """What a consumer tells that has so many tasks in hand."""
        doing = [{"job": "j", "kind": "item", "item": i, "seconds": 1} for i in range(tasks)]
        self.queue.beat(name, [], {"since": time.time(), "doing": doing})


@pytest.fixture
def rig(redis_url: str) -> Rig:
    return Rig(redis_url)


def test_a_job_has_workers_asked_for_within_five_seconds(rig: Rig) -> None:
    with rig.running():
        assert rig.engine.started == []
        begun = time.monotonic()
        rig.submit(items=8)
        wait_for(lambda: rig.engine.started)
    took = min(when for when, _, _ in rig.engine.started) - begun
    # Five seconds are the bar, a tenth is usual; a machine that hangs for a while fails no test.
    assert took < 30
    print(f"decision latency {took:.3f} s")


def test_all_that_are_wanted_are_asked_for_in_one_cycle(rig: Rig) -> None:
    rig.submit(items=100)
    decision = rig.autoscaler().cycle(time.time())
    assert decision.start == {"consumers": 4, "model-servers": 1}
    assert len(rig.engine.names()) == 4


def test_nothing_to_do_nothing_runs(rig: Rig) -> None:
    autoscaler = rig.autoscaler()
    job = rig.submit(items=2)
    begun = time.time()
    autoscaler.cycle(begun)
    assert rig.engine.names()
    rig.queue.cancel(job)
    for later in (1.0, 2.0, 3.0):
        autoscaler.cycle(begun + later)
    assert {one.state for one in rig.engine.there.values()} == {State.DRAINING}


def test_one_with_a_task_in_hand_is_not_stopped_however_long_that_takes(rig: Rig) -> None:
    autoscaler, begun = rig.autoscaler(), time.time()
    job = rig.submit(items=3)
    autoscaler.cycle(begun)
    first, second = rig.engine.names()
    # Of what it took a moment ago its heartbeat does not know.
    rig.beat(first)
    rig.beat(second)
    taken = rig.queue.take(first, ["nuclei"], 1, idle=True).tasks
    rig.queue.cancel(job)
    for later in (1.0, 2.0, 60.0):
        autoscaler.cycle(begun + later)
    assert second in rig.engine.stopped
    assert first not in rig.engine.stopped
    rig.queue.finish(taken[0], Outcome.DONE)
    autoscaler.cycle(begun + 61.0)
    autoscaler.cycle(begun + 62.0)
    assert first in rig.engine.stopped


def test_who_did_not_hear_that_it_is_to_stop_is_asked_again(rig: Rig) -> None:
    autoscaler, begun = rig.autoscaler(), time.time()
    job = rig.submit()
    autoscaler.cycle(begun)
    (name,) = rig.engine.names()
    rig.beat(name)
    autoscaler.cycle(begun + 1)
    rig.queue.cancel(job)
    autoscaler.cycle(begun + 2)
    assert rig.engine.stopped.count(name) == 1
    rig.engine.there[name] = replace(rig.engine.there[name], state=State.READY)
    autoscaler.cycle(begun + 3)
    autoscaler.cycle(begun + 4)
    assert rig.engine.stopped.count(name) == 2
    assert len([line for line in rig.said if "consumers: stops 1" in line]) == 1


def test_silence_is_not_taken_for_idleness(rig: Rig) -> None:
    """After an outage of Redis nobody was heard of for a while."""
    autoscaler, begun = rig.autoscaler(), time.time()
    job = rig.submit(items=1)
    autoscaler.cycle(begun)
    (name,) = rig.engine.names()
    rig.beat(name, tasks=1)
    autoscaler.cycle(begun + 1)
    rig.client.delete("{cytomill}:consumers")
    rig.queue.cancel(job)
    for later in (2.0, 3.0, 70.0):
        autoscaler.cycle(begun + later)
    assert name not in rig.engine.stopped
    status = rig.board.read()
    assert status is not None
    (trouble,) = status.pools[0].troubles
    assert "not heard of for a minute" in trouble.cause
    assert name in trouble.advice


def test_a_job_that_pauses_until_later_goes_on_where_no_consumer_runs(rig: Rig) -> None:
    job = rig.submit(items=1)
    rig.queue.pause(job, "the bucket is away", seconds=0.2)
    autoscaler = rig.autoscaler()
    autoscaler.cycle(time.time())
    assert rig.engine.names() == []
    wait_for(lambda: autoscaler.cycle(time.time()).start)
    assert rig.engine.names()


def test_the_next_autoscaler_has_what_the_driver_reports(rig: Rig) -> None:
    rig.submit(items=8)
    rig.autoscaler().cycle(time.time())
    before = rig.engine.names()
    started = len(rig.engine.started)
    rig.autoscaler().cycle(time.time())
    assert rig.engine.names() == before
    assert len(rig.engine.started) == started


def test_a_second_one_says_who_has_the_lease_and_takes_over(rig: Rig) -> None:
    stop = threading.Event()
    first = threading.Thread(target=rig.autoscaler().run, args=(stop,))
    first.start()
    wait_for(lambda: rig.said)
    second = Rig(rig.url)
    with second.running():
        wait_for(lambda: second.said)
        assert "another autoscaler has the lease (process " in second.said[0]
        assert second.said[0].endswith("takes over when it ends")
        rig.submit(items=8)
        wait_for(lambda: rig.engine.started)
        assert second.engine.started == []
        stop.set()
        first.join(60)
        wait_for(lambda: second.engine.started)
    assert len([line for line in second.said if line.startswith("waits")]) == 1


def test_the_lease_of_one_that_was_killed_ends(rig: Rig) -> None:
    killed, next_one = Lease(rig.client, seconds=0.3), Lease(rig.client)
    assert killed.take() == killed.me
    assert next_one.take() == killed.me
    wait_for(lambda: next_one.take() == next_one.me)
    assert killed.take() == next_one.me
    killed.leave()
    assert killed.take() == next_one.me


def test_one_on_this_machine_that_was_killed_is_taken_over_from_at_once(rig: Rig) -> None:
    text = (
        "import sys, time\nfrom cytomill.jobs.redis import connect\n"
        "from cytomill.scaling.lease import Lease\n"
        "Lease(connect(sys.argv[1])).take()\nprint('mine', flush=True)\ntime.sleep(1000)\n"
    )
    words = [sys.executable, "-c", text, rig.url]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        lease = Lease(rig.client)
        assert lease.take().process == holder.pid
        holder.kill()
        holder.wait()
        assert lease.take() == lease.me


def test_while_redis_is_away_it_says_so_and_goes_on_after(own_redis: RedisServer) -> None:
    rig = Rig(own_redis.url)
    with rig.running():
        rig.submit("before", items=1)
        wait_for(lambda: rig.engine.names())
        own_redis.kill()
        wait_for(lambda: any("does not answer" in line for line in rig.said))
        waits = [line for line in rig.said if line.startswith("waits")]
        assert "workers are left as they are, again in 0.5 s" in waits[0]
        assert rig.engine.stopped == []
        own_redis.start()
        rig.submit("after", items=8)
        wait_for(lambda: len(rig.engine.names()) > 1)
    assert rig.engine.stopped == []


def test_a_redis_that_only_reads_is_waited_for(own_redis: RedisServer) -> None:
    """As after a failover, until the client is led to the new primary."""
    rig = Rig(own_redis.url)
    with rig.running():
        rig.client.execute_command("REPLICAOF", "127.0.0.1", "1")
        wait_for(lambda: any("takes nothing now" in line for line in rig.said))
        rig.client.execute_command("REPLICAOF", "NO", "ONE")
        rig.submit(items=1)
        wait_for(lambda: rig.engine.names())


def test_what_is_spent_is_known_after_a_restart(rig: Rig) -> None:
    job = rig.submit(items=1)
    begun = time.time()
    autoscaler = rig.autoscaler()
    autoscaler.cycle(begun)
    autoscaler.cycle(begun + 5)
    status = rig.board.read()
    assert status is not None
    assert status.pools[0].spent == pytest.approx(5, abs=0.5)
    later = rig.autoscaler()
    later.cycle(begun + 9)
    rig.engine.there.clear()
    rig.queue.cancel(job)
    # It ended at some time since the last look.
    later.cycle(begun + 11)
    rig.autoscaler().cycle(begun + 20)
    status = rig.board.read()
    assert status is not None
    assert status.pools[0].spent == pytest.approx(11, abs=0.5)
    assert status.pools[1].spent == 0


def test_workers_that_wait_for_a_place_cost_nothing(rig: Rig) -> None:
    rig.engine.comes = State.ASKED
    rig.submit(items=1)
    begun, autoscaler = time.time(), rig.autoscaler()
    for later in (0.0, 10.0):
        autoscaler.cycle(begun + later)
    status = rig.board.read()
    assert status is not None
    assert status.pools[0].spent == 0
    assert status.pools[0].asked == 1
    assert status.pools[0].reason == "Resources"


def test_the_start_up_of_workers_is_measured(rig: Rig) -> None:
    rig.submit(items=8)
    begun, autoscaler = time.time(), rig.autoscaler()
    autoscaler.cycle(begun)
    for later, name in zip((7.0, 8.0, 9.0, 30.0), rig.engine.names(), strict=True):
        rig.beat(name)
        autoscaler.cycle(begun + later)
    status = rig.board.read()
    assert status is not None
    assert status.pools[0].startup == pytest.approx(8.5, abs=0.5)
    assert status.pools[0].ready == 4
    # The next one knows it too.
    rig.autoscaler().cycle(begun + 31)
    status = rig.board.read()
    assert status is not None
    assert status.pools[0].startup == pytest.approx(8.5, abs=0.5)


def test_how_busy_model_servers_are_is_measured(rig: Rig) -> None:
    seen: list[Snapshot] = []

    class Seeing(OneForTwo):
        def wishes(self, seen_now: Snapshot) -> Mapping[str, Wish]:
            seen.append(seen_now)
            return super().wishes(seen_now)

    job = rig.submit(items=30)
    begun = time.time()
    autoscaler = rig.autoscaler()
    autoscaler._policy = Seeing()
    autoscaler.cycle(begun)
    (name,) = rig.engine.names(SERVERS)
    for step in range(3):
        told = {"threads": 2, "running": 1, "waiting": 0, "requests": step, "draining": False}
        rig.servers.beat(name, "127.0.0.1:1", {**told, "busy_seconds": 4.0 * step})
        for task in rig.queue.take("c", ["nuclei"], 2, idle=True).tasks:
            rig.queue.finish(task, Outcome.DONE, seconds=8.0)
        autoscaler.cycle(begun + 4 * (step + 1))
    last = seen[-1]
    assert last.use == pytest.approx(0.5)
    (load,) = last.loads
    assert load.seconds == pytest.approx(8.0)
    # A device was busy for 8 s while tasks of 32 s ended.
    assert load.inference == pytest.approx(2.0, rel=0.4)
    later = rig.autoscaler()
    later._policy = Seeing()
    later.cycle(begun + 13)
    assert seen[-1].loads[0].inference == pytest.approx(load.inference, rel=0.01)
    (server,) = last.of(SERVERS)
    assert (server.state, server.busy) == (State.READY, 1)
    assert rig.queue.job(job.id)
