"""A bucket that refuses, is not there, or goes away: who is told, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import BucketAwayError
from cytomill.jobs.job import State
from cytomill.kiosk.waits import Waits
from cytomill.scaling.board import Board
from tests.consumers import Consumers, Lab, wait_for
from tests.gate import Gate, gate
from tests.moody import files, moody, seen
from tests.s3 import NAME, S3Server, serving


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with serving() as made:
        yield made


@pytest.fixture
def far(s3, tmp_path, redis_url, monkeypatch) -> Iterator[tuple[Lab, Consumers, Gate]]:
    """A lab whose own way to the bucket is open, and whose consumers go through a gate."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        shut = stack.enter_context(gate(s3.url))
        bucket = f"s3://{NAME}/{tmp_path.name}"
        lab, consumers = stack.enter_context(moody(tmp_path, redis_url, bucket=bucket))
        consumers.environment = {**consumers.environment, "AWS_ENDPOINT_URL": shut.url}
        yield lab, consumers, shut


def waits(lab: Lab, job) -> str:
    """What the owner of a job is told that it waits for."""
    found = Waits(lab.backend.queue, Board(lab.backend.redis)).of(lab.job(job))
    return found or ""


@pytest.mark.parametrize(
    ("refusal", "told", "advice"),
    [
        ("InvalidAccessKeyId", "refuses the keys that it is asked with", "give others in the env"),
        ("AccessDenied", "refuses the keys that it is asked with", "give others in the env"),
        ("RequestTimeTooSkewed", "finds the clock of a machine wrong", "set it (NTP)"),
    ],
)
def test_a_consumer_that_is_refused_takes_nothing_and_says_why(
    far, tmp_path, refusal, told, advice
):
    lab, consumers, shut = far
    shut.refuses = refusal
    begun = consumers.begin("--threads", 1)
    job = lab.submit(lab.upload(files(tmp_path / "in", "a.tif", "b.tif")), pipeline="moody")
    expected = f"waits for the place of images and results, which {told}"
    wait_for(lambda: waits(lab, job) == expected)
    assert "s3://" not in expected
    said = begun.said()
    assert f"waits: the bucket s3://{NAME}/" in said
    assert refusal in said
    assert advice in said
    assert said.count("\n") == 1  # once, though it tries again and again
    assert lab.job(job).state is State.LISTING
    assert lab.backend.queue.numbers("moody").running == 0
    shut.refuses = ""
    job = lab.wait(job)
    assert (job.state, job.done, job.failed) == (State.DONE, 2, 0)
    assert "goes on: the place of images and results answers again" in begun.said()


def test_a_consumer_that_is_refused_at_work_leaves_the_rest_to_others(far, tmp_path):
    lab, consumers, shut = far
    refused = consumers.start("--threads", 1)
    names = ["held.tif", *(f"fine{number}.tif" for number in range(12))]
    job = lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
    wait_for(lambda: "held.tif 0" in seen(tmp_path))
    shut.refuses = "InvalidAccessKeyId"
    (tmp_path / "go").touch()
    expected = "waits for the place of images and results, which refuses the keys"
    wait_for(lambda: waits(lab, job).startswith(expected))
    wait_for(lambda: not lab.backend.queue.numbers("moody").running)
    consumers.environment = {**consumers.environment, "AWS_ENDPOINT_URL": shut.behind}
    consumers.start("--threads", 1)
    ended = lab.wait(job)
    assert (ended.state, ended.done, ended.failed) == (State.DONE, 13, 0)
    assert lab.orphans(job) == []
    assert refused.said().count("waits: the bucket") == 1
    assert waits(lab, job) == ""
    assert refused.stop() == 0


def test_a_bucket_that_is_not_there_is_waited_for(s3, tmp_path, redis_url, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    with moody(tmp_path, redis_url, bucket="s3://not-yet/kiosk") as (lab, consumers):
        with pytest.raises(BucketAwayError, match="there is no bucket s3://not-yet/kiosk; make it"):
            lab.backend.bucket.ping()
        begun = consumers.begin("--threads", 1)
        wait_for(lambda: "waits: there is no bucket s3://not-yet/kiosk; make it" in begun.said())
        wait_for(lambda: lab.backend.queue.told_by([begun.name])[0].get("waiting_for"))
        told = lab.backend.queue.told_by([begun.name])[0]["waiting_for"]
        assert told == "the place of images and results, which is not there"
        httpx.put(f"{s3.url}/not-yet").raise_for_status()
        job = lab.submit(lab.upload(files(tmp_path / "in", "a.tif")), pipeline="moody")
        assert lab.wait(job).done == 1


def test_a_source_that_is_away_holds_up_only_its_own_jobs(s3, tmp_path, redis_url, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    place = f"s3://{NAME}/plates-{tmp_path.name}"
    first = files(tmp_path / "in", "a.tif")
    Bucket(place).put("a.tif", (first / "a.tif").read_bytes())
    with ExitStack() as stack:
        shut = stack.enter_context(gate(s3.url))
        lab, consumers = stack.enter_context(moody(tmp_path, redis_url))
        away = {"AWS_ENDPOINT_URL": shut.url, "CYTOMILL_SOURCES": f"plates={place}"}
        consumers.environment = {**consumers.environment, **away}
        shut.refuses = "AccessDenied"
        running = consumers.start("--threads", 1)
        job = lab.submit(pipeline="moody", inputs=({"source": "plates"},))
        told = "waits for a source of images, which refuses the keys that it is asked with"
        wait_for(lambda: waits(lab, job) == told)
        assert lab.wait(lab.submit(lab.upload(first), pipeline="moody")).done == 1
        assert waits(lab, job) == told
        assert running.said().count("waits:") == 1
        shut.refuses = ""
        ended = lab.wait(job)
        assert (ended.state, ended.done, ended.failed) == (State.DONE, 1, 0)
        wait_for(lambda: "goes on: a source of images answers again" in running.said())
