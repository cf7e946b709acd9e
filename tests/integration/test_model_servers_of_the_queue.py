"""Consumers ask the model servers that are announced, whichever of them come, end and die."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cytomill.jobs.job import Job, State
from cytomill.jobs.servers import Servers
from tests.consumers import Consumers, Lab, image, lab, wait_for
from tests.model_server import Server, start


class Park:
    """Model servers, each in a process of its own."""

    def __init__(self, lab: Lab, folder: Path, stack: ExitStack) -> None:
        self.servers = Servers(lab.backend.redis)
        self._redis, self._folder, self._stack = lab.backend.settings.redis, folder, stack

    def begin(self, name: str) -> Server:
        """One that is started; it is announced when it is ready."""
        words = ["model-server", "--announce", "--name", name, "--threads", 1, "--load", "nuclei"]
        for port in ("--grpc-port", "--http-port", "--metrics-port"):
            words += [port, 0]
        errors = self._folder / f"{name}.errors"
        return self._stack.enter_context(start(*words, errors=errors, CYTOMILL_REDIS=self._redis))

    def add(self, name: str) -> Server:
        """One that is announced."""
        server = self.begin(name)
        wait_for(lambda: name in self.requests())
        return server

    def requests(self) -> dict[str, int]:
        """How many each was asked."""
        return {one.name: one.told["requests"] for one in self.servers.servers()}


@pytest.fixture
def all_of_it(tmp_path: Path, redis_url: str) -> Iterator[tuple[Lab, Consumers, Park]]:
    with ExitStack() as stack:
        made, consumers = stack.enter_context(lab(tmp_path, redis_url))
        consumers.environment = {"CYTOMILL_MODEL_SERVER": "queue"}
        yield made, consumers, Park(made, tmp_path, stack)


def pictures(folder: Path, count: int) -> Path:
    first = image(folder / "0.tif")
    for number in range(1, count):
        (folder / f"{number}.tif").write_bytes(first.read_bytes())
    return folder


def told(lab: Lab, name: str) -> str:
    return str(lab.backend.queue.told_by([name])[0].get("waiting_for", ""))


class Load:
    """Jobs of ``count`` images, so many that there is always something to do."""

    def __init__(self, lab: Lab, folder: Path, count: int = 40) -> None:
        self._lab, self._upload = lab, lab.upload(pictures(folder, count))
        self._count = count
        self.jobs: list[Job] = []

    def until(self, true: Callable[[], object]) -> None:
        """Until ``true()`` is there is work."""

        def look() -> object:
            if self._lab.backend.queue.numbers("nuclei").waiting < self._count:
                self.jobs.append(self._lab.submit(self._upload))
            return true()

        wait_for(look)

    def done(self) -> int:
        """Images that are done."""
        return sum(self._lab.job(job).done for job in self.jobs)

    def end(self) -> None:
        """All that was begun is done: none is lost, none failed, none was begun twice."""
        for job in self.jobs:
            ended = self._lab.wait(job)
            assert (ended.state, ended.done, ended.failed) == (State.DONE, self._count, 0)
            states = self._lab.backend.queue.states(ended, 0, self._count)
            assert set(states) == {("done", 1)}


def test_no_image_is_lost_while_servers_come_and_go(all_of_it, tmp_path):
    lab, consumers, park = all_of_it
    first, second = park.begin("first"), park.add("second")
    wait_for(lambda: "first" in park.requests())
    running = [consumers.start("--threads", 2) for _ in range(2)]
    load = Load(lab, tmp_path / "in")
    load.until(lambda: load.done() > 30 and min(park.requests().values()) > 5)
    first.process.kill()
    third = park.begin("third")
    load.until(lambda: park.requests().get("third", 0) > 5)
    second.process.send_signal(signal.SIGTERM)
    load.until(lambda: second.process.poll() is not None)
    before = park.requests()["third"]
    load.until(lambda: park.requests()["third"] > before + 20)
    load.end()
    assert second.process.returncode == 0
    (ran,) = {record.ran["nuclei"] for record in lab.records(load.jobs[0]).values()}
    assert ran.endswith("at the model servers of the queue")
    assert third.alive()
    assert [one.stop() for one in running] == [0, 0]


def test_work_is_shared_evenly(all_of_it, tmp_path):
    lab, consumers, park = all_of_it
    park.begin("a"), park.add("b")
    wait_for(lambda: len(park.requests()) == 2)
    before = park.requests()
    for _ in range(2):
        consumers.start("--threads", 2)
    lab.wait(lab.submit(lab.upload(pictures(tmp_path / "in", 80))))
    wait_for(lambda: sum(park.requests().values()) >= 80)
    did = {name: count - before[name] for name, count in park.requests().items()}
    assert min(did.values()) > 0.3 * sum(did.values()), did


def test_a_server_that_hangs_holds_nothing_up(all_of_it, tmp_path):
    lab, consumers, park = all_of_it
    hung = park.add("hung")
    consumers.start("--threads", 2)
    load = Load(lab, tmp_path / "in")
    load.until(lambda: load.done() > 5)
    hung.process.send_signal(signal.SIGSTOP)
    try:
        park.add("other")
        load.until(lambda: park.requests()["other"] > 20 and len(park.requests()) == 1)
        load.end()
    finally:
        hung.process.send_signal(signal.SIGCONT)


def test_a_job_that_waits_for_a_server_can_be_cancelled(all_of_it, tmp_path):
    lab, consumers, park = all_of_it
    running = consumers.start("--threads", 1)
    upload = lab.upload(pictures(tmp_path / "in", 4))
    for _ in range(4):  # more often than a consumer may lose threads
        job = lab.submit(upload)
        wait_for(lambda: lab.backend.queue.told_by([running.name])[0]["doing"])
        wait_for(lambda: lab.job(job).items == 4)  # noqa: B023 - called before the next turn
        assert lab.backend.queue.cancel(job)
        wait_for(lambda: not lab.backend.queue.told_by([running.name])[0]["doing"])
    assert running.process.poll() is None
    assert "cannot be stopped" not in running.said()
    asked = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - asked < 15  # nothing was in hand that would have to be drained
    assert park.requests() == {}


def test_the_first_server_is_waited_for_and_that_is_told(all_of_it, tmp_path):
    lab, consumers, park = all_of_it
    running = consumers.start("--threads", 2)
    job = lab.submit(lab.upload(pictures(tmp_path / "in", 3)))
    wait_for(lambda: told(lab, running.name) == "a model server, which is not there")
    assert running.said().count("waits:") == 1
    assert (
        "waits: the model servers of the queue: none is announced; start one with "
        "`cytomill model-server --announce`" in running.said()
    )
    park.begin("first")
    wait_for(park.requests)
    begun = time.monotonic()
    job = lab.wait(job)
    assert time.monotonic() - begun < 30
    assert (job.state, job.done, job.failed) == (State.DONE, 3, 0)
    wait_for(lambda: not told(lab, running.name))
    assert "goes on: a model server answers again" in running.said()
