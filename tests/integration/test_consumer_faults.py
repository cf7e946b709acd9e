"""Consumers die, hang and come back; nothing is lost, and nothing is published twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cytomill.jobs import layout
from cytomill.jobs.job import State
from cytomill.kiosk.janitor import Janitor
from tests.consumers import Consumers, Lab, image, lab, wait_for
from tests.moody import files, moody, seen


@pytest.fixture
def both(tmp_path: Path, redis_url: str) -> Iterator[tuple[Lab, Consumers]]:
    with moody(tmp_path, redis_url) as made:
        yield made


def test_a_killed_consumers_tasks_are_done_by_another(both, tmp_path):
    lab, consumers = both
    first = consumers.start("--threads", 2)
    names = [f"held{number}.tif" for number in range(6)]
    job = lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
    wait_for(lambda: len(seen(tmp_path)) == 2)
    first.kill()
    (tmp_path / "go").touch()
    consumers.start("--threads", 2)
    job = lab.wait(job, 25)
    assert (job.state, job.done, job.failed) == (State.DONE, 6, 0)
    assert lab.orphans(job) == []


def test_what_a_hung_consumer_had_is_done_by_another_and_it_publishes_nothing(both, tmp_path):
    lab, consumers = both
    hung = consumers.start("--threads", 1)
    job = lab.submit(lab.upload(files(tmp_path / "in", "held0.tif", "held1.tif")), pipeline="moody")
    wait_for(lambda: len(seen(tmp_path)) == 1)
    hung.process.send_signal(signal.SIGSTOP)
    (tmp_path / "go").touch()
    consumers.start("--threads", 1)
    done = lab.wait(job, 25)
    assert (done.state, done.done) == (State.DONE, 2)
    before = lab.records(job), lab.report(job, "manifest.json")
    hung.process.send_signal(signal.SIGCONT)
    other = lab.submit(
        lab.upload(files(tmp_path / "more", "a.tif")), pipeline="moody", priority="low"
    )
    lab.wait(other)
    assert hung.stop() == 0
    assert (lab.records(job), lab.report(job, "manifest.json")) == before
    assert (lab.job(job).done, lab.job(job).failed) == (2, 0)
    assert lab.orphans(job) == []


def test_poison_fails_alone(both, tmp_path):
    lab, consumers = both
    environment = {"task_seconds": 3600}
    consumers.start("--threads", 2, **environment)
    names = ["poison.tif", *(f"fine{number}.tif" for number in range(20))]
    job = lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
    end = time.monotonic() + 100
    while not lab.job(job).state.ended:
        assert time.monotonic() < end
        last = consumers.started[-1]
        if last.process.poll() is not None:  # as a supervisor does
            assert last.process.returncode == 9
            lab.backend.queue.bury(last.name, ["moody"])
            consumers.start("--threads", 2, **environment)
        time.sleep(0.05)
    job = lab.job(job)
    assert (job.state, job.done, job.failed) == (State.DONE, 20, 1)
    assert "died or hung, 5 times" in lab.records(job)["poison.tif"].error
    assert len(consumers.started) == 6
    assert lab.orphans(job) == []


def test_faults_of_a_pipeline_are_told_and_the_rest_is_done(both, tmp_path):
    lab, consumers = both
    consumers.start()
    job = lab.submit(
        lab.upload(files(tmp_path / "in", "memory.tif", "odd.tif", "fine.tif")), pipeline="moody"
    )
    records = lab.records(lab.wait(job))
    assert records["fine.tif"].status == "done"
    assert "does not fit in memory" in records["memory.tif"].error
    assert records["odd.tif"].error == (
        "odd.tif: could not be processed (ValueError: what is this); please report this"
    )


def test_cancelling_reaches_work_that_does_not_listen(both, tmp_path):
    lab, consumers = both
    running = consumers.start("--threads", 1)
    job = lab.submit(lab.upload(files(tmp_path / "in", "hang.tif")), pipeline="moody")
    wait_for(lambda: seen(tmp_path))
    other = lab.submit(lab.upload(files(tmp_path / "more", "fine.tif")), pipeline="moody")
    assert lab.backend.queue.cancel(job)
    assert lab.wait(other, 8).done == 1
    assert lab.job(job).state is State.CANCELLED
    assert list(lab.backend.bucket.list(layout.job(job.id) + "/results")) == []
    assert running.process.poll() is None


def test_a_task_that_takes_too_long_ends_its_consumer(both, tmp_path):
    lab, consumers = both
    running = consumers.start("--threads", 2, task_seconds=1)
    job = lab.submit(lab.upload(files(tmp_path / "in", "hang.tif")), pipeline="moody")
    assert running.process.wait(30) == 70
    assert "took longer than 1 s; raise CYTOMILL_TASK_SECONDS" in running.said()
    assert lab.backend.queue.cancel(job)


def test_a_consumer_that_is_to_end_finishes_what_it_has(both, tmp_path):
    lab, consumers = both
    first = consumers.start("--threads", 1)
    job = lab.submit(lab.upload(files(tmp_path / "in", "held0.tif", "held1.tif")), pipeline="moody")
    wait_for(lambda: seen(tmp_path))
    first.process.send_signal(signal.SIGTERM)
    wait_for(lambda: lab.job(job).waiting == 1)  # what was not begun is given back at once
    (tmp_path / "go").touch()
    assert first.process.wait(20) == 0
    wait_for(lambda: lab.job(job).done == 1)
    consumers.start("--threads", 1)
    assert lab.wait(job, 10).done == 2


def test_many_parts_are_spread_and_merged_in_order(both, tmp_path):
    lab, consumers = both
    consumers.start("--threads", 2)
    consumers.start("--threads", 2)
    job = lab.wait(lab.submit(lab.upload(files(tmp_path / "in", "many.tif")), pipeline="moody"), 30)
    assert (job.done, job.objects) == (1, 40)
    assert sorted(seen(tmp_path)) == sorted(f"many.tif {part}" for part in range(40))
    assert lab.orphans(job) == []


def test_a_job_that_is_deleted_at_work_leaves_nothing(both, tmp_path, monkeypatch):
    monkeypatch.setattr("cytomill.kiosk.janitor._GRACE", 5.0)
    lab, consumers = both
    consumers.start("--threads", 2)
    upload = lab.upload(files(tmp_path / "in", "many.tif", "fine.tif", "held.tif"))
    job = lab.submit(upload, pipeline="moody")
    wait_for(lambda: len(seen(tmp_path)) > 4)
    janitor = Janitor(lab.backend, lab.uploads)
    assert lab.backend.queue.delete(job)
    assert lab.uploads.delete(upload) or lab.backend.queue.expired()
    wait_for(lambda: janitor.sweep() or lab.backend.queue.job(job.id) is None)
    assert lab.uploads.get(upload) is None
    assert list(lab.backend.bucket.list()) == []
    keys = lab.backend.redis.keys("*")
    assert [key for key in keys if job.id in key or upload in key] == []


def test_what_is_done_while_the_queue_is_away_is_told_when_it_is_back(tmp_path, own_redis):
    with moody(tmp_path, own_redis.url) as (lab, consumers):
        running = consumers.start("--threads", 1)
        names = ["held0.tif", "held1.tif"]
        job = lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
        wait_for(lambda: seen(tmp_path))
        own_redis.kill()
        (tmp_path / "go").touch()
        wait_for(lambda: "waits: the queue (Redis) does not answer" in running.said())
        own_redis.start()
        assert lab.wait(job).done == 2
        assert len(seen(tmp_path)) == 2  # nothing was done twice
        assert running.stop() == 0


def test_a_full_bucket_pauses_the_job_and_it_goes_on_when_there_is_room(tmp_path, redis_url):
    small = tmp_path / "small"
    small.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(mounted, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with moody(tmp_path, redis_url, bucket=small) as (lab, consumers):
            upload = lab.upload(files(tmp_path / "in", *(f"{i}.tif" for i in range(4))))
            consumers.start("--threads", 1)
            with suppress(OSError), (small / "filler").open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            job = lab.submit(upload, pipeline="moody")
            wait_for(lambda: lab.job(job).state is State.PAUSED)
            assert lab.job(job).reason == (
                "The bucket is full; delete jobs and uploads, or make it larger."
            )
            (small / "filler").unlink()
            assert lab.backend.queue.resume(lab.job(job))
            job = lab.wait(job)
            assert (job.state, job.done, job.failed) == (State.DONE, 4, 0)
            assert lab.orphans(job) == []
            consumers.end()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_model_server_that_is_away_costs_no_try(tmp_path, redis_url):
    with lab(tmp_path, redis_url) as (made, consumers):
        away = consumers.start("--model-server", "grpc://127.0.0.1:1", retry_seconds=1)
        image(tmp_path / "in" / "a.tif")
        job = made.submit(made.upload(tmp_path / "in"))
        wait_for(lambda: "waits: grpc://127.0.0.1:1: does not answer; start it" in away.said())
        name = made.backend.queue.consumers()[0]

        def told():
            return made.backend.queue.told_by([name])[0]["waiting_for"]

        wait_for(lambda: told() == "a model server, which does not answer")
        assert (made.job(job).state, made.job(job).failed) == (State.LISTING, 0)
        assert away.stop() == 0
        consumers.start()
        assert made.wait(job).done == 1
