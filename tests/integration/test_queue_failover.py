"""The queue moves to another Redis, or is cut off, or emptied, under consumers at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cytomill.jobs.errors import QueueAwayError
from cytomill.jobs.job import Job, State
from cytomill.kiosk.janitor import Janitor
from tests.consumers import Consumers, Lab, wait_for
from tests.moody import files, moody, seen
from tests.redis_park import Name, pair, sentinel


@contextmanager
def at_work(tmp_path: Path, url: str) -> Iterator[tuple[Lab, Consumers, Job]]:
    """A job of which a consumer has begun an item, which goes on once ``go`` is there."""
    with moody(tmp_path, url) as (lab, consumers):
        consumers.start("--threads", 2)
        names = ["held.tif", *(f"fine{number}.tif" for number in range(30))]
        job = lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
        wait_for(lambda: "held.tif 0" in seen(tmp_path))
        yield lab, consumers, job


def ended(lab: Lab, job: Job) -> bool:
    """Whether a job has ended, as far as the queue can be asked."""
    with suppress(QueueAwayError):
        return lab.job(job).state.ended
    return False


def goes_on(lab: Lab, consumers: Consumers, job: Job, tmp_path: Path) -> None:
    """The job ends as if nothing had been, and so does another."""
    (tmp_path / "go").touch()
    wait_for(lambda: ended(lab, job))
    found = lab.job(job)
    assert (found.state, found.done, found.failed) == (State.DONE, 31, 0)
    assert lab.orphans(job) == []
    other = lab.submit(lab.upload(files(tmp_path / "more", "fine.tif")), pipeline="moody")
    assert lab.wait(other).done == 1
    assert consumers.started[0].stop() == 0


def test_a_master_that_is_demoted_is_left(tmp_path):
    """Its name leads to another; who was connected to it stays so until they turn away."""
    with pair(tmp_path) as (first, second):
        name = Name(first.port)
        url = f"redis://127.0.0.1:{name.port}"
        try:
            with at_work(tmp_path, url) as (lab, consumers, job):
                first.client.wait(1, 10_000)
                second.client.replicaof("NO", "ONE")
                name.leads_to(second)
                first.client.replicaof("127.0.0.1", second.port)
                goes_on(lab, consumers, job, tmp_path)
                assert "waits:" not in consumers.started[0].said()  # it is done at once
        finally:
            name.close()


def test_a_master_that_is_demoted_with_none_after_it_is_waited_for(tmp_path):
    with pair(tmp_path) as (first, second):
        url = f"redis://127.0.0.1:{first.port}"
        with at_work(tmp_path, url) as (lab, consumers, job):
            first.client.replicaof("127.0.0.1", second.port)
            said = consumers.started[0].said
            wait_for(lambda: "waits: the queue (Redis) takes nothing now" in said())
            assert "READONLY" in said()
            with pytest.raises(QueueAwayError, match="takes nothing now"):
                lab.backend.queue.cancel(job)
            first.client.replicaof("NO", "ONE")
            goes_on(lab, consumers, job, tmp_path)
            assert "goes on: the queue answers again" in said()


def test_connections_that_are_cut_are_made_again(tmp_path):
    with pair(tmp_path) as (first, _):
        name = Name(first.port)
        url = f"redis://127.0.0.1:{name.port}"
        try:
            with at_work(tmp_path, url) as (lab, consumers, job):
                for _ in range(5):
                    name.cut()
                goes_on(lab, consumers, job, tmp_path)
        finally:
            name.close()


def test_sentinels_are_asked_who_is_master(tmp_path):
    with pair(tmp_path) as (first, second), sentinel(tmp_path, first) as watching:
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{watching.port}/kiosk"
        with at_work(tmp_path, url) as (lab, consumers, job):
            first.client.wait(1, 10_000)
            first.kill()
            said = consumers.started[0].said
            wait_for(lambda: "waits: the queue (Redis)" in said())
            wait_for(lambda: second.client.role()[0] == "master")
            goes_on(lab, consumers, job, tmp_path)


def test_a_queue_that_was_emptied_is_begun_anew(tmp_path, own_redis):
    """As after a failover to a server that had nothing."""
    with at_work(tmp_path, own_redis.url) as (lab, consumers, job):
        assert lab.backend.redis.flushall()
        (tmp_path / "go").touch()
        other = lab.submit(lab.upload(files(tmp_path / "more", "fine.tif")), pipeline="moody")
        done = lab.wait(other)
        assert (done.state, done.done) == (State.DONE, 1)
        assert lab.backend.queue.job(job.id) is None
        Janitor(lab.backend, lab.uploads).sweep()
        assert consumers.started[0].stop() == 0
