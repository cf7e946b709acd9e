"""How a consumer lives and ends: what it tells of itself, its time, its clock, its health."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cytomill.jobs.job import State
from tests.consumers import Consumers, Lab, Running, wait_for
from tests.moody import files, moody, seen


@pytest.fixture
def both(tmp_path: Path, redis_url: str) -> Iterator[tuple[Lab, Consumers]]:
    with moody(tmp_path, redis_url) as made:
        yield made


def told(lab: Lab, running: Running) -> dict[str, Any]:
    return dict(lab.backend.queue.told_by([running.name])[0])


def health(running: Running) -> httpx.Client:
    found = re.search(r"health at http://0\.0\.0\.0:(\d+)", running.said())
    assert found is not None
    return httpx.Client(base_url=f"http://127.0.0.1:{found[1]}", timeout=60)


def values(client: httpx.Client) -> dict[str, float]:
    """The metrics by name, and by the value of their label where they have one."""
    text = client.get("/metrics").raise_for_status().text
    return {
        " ".join([one.name, *one.labels.values()]): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_it_says_at_once_that_it_drains_and_gives_back_what_takes_longer(both, tmp_path):
    lab, consumers = both
    first = consumers.start("--threads", 1, "--drain", 1)
    wait_for(lambda: told(lab, first).get("idle", 0) > 1)
    assert not told(lab, first)["draining"]
    job = lab.submit(lab.upload(files(tmp_path / "in", "held.tif")), pipeline="moody")
    wait_for(lambda: seen(tmp_path))
    wait_for(lambda: told(lab, first)["idle"] == 0)
    asked = time.monotonic()
    first.process.send_signal(signal.SIGTERM)
    wait_for(lambda: told(lab, first)["draining"])
    consumers.start("--threads", 1)
    wait_for(lambda: len(seen(tmp_path)) == 2)
    assert time.monotonic() - asked > 1
    assert first.process.wait(60) == 0
    (tmp_path / "go").touch()
    job = lab.wait(job)
    assert (job.state, job.done, job.failed) == (State.DONE, 1, 0)
    assert lab.orphans(job) == []


def test_it_ends_before_its_time_is_over_and_others_go_on(both, tmp_path):
    lab, consumers = both
    names = ["many0.tif", "many1.tif", *(f"fine{number}.tif" for number in range(20))]
    lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
    begun = time.monotonic()
    first = consumers.start("--threads", 1, "--lifetime", 8, "--drain", 3)
    wait_for(lambda: seen(tmp_path))
    assert first.process.wait(60) == 0
    took = time.monotonic() - begun
    assert "its lifetime ends: it takes nothing more" in first.said()
    last = consumers.start("--threads", 2)
    (name,) = lab.backend.queue.names()
    found = lab.backend.queue.job(name)
    assert found is not None
    job = lab.wait(found)
    assert (job.state, job.done, job.failed) == (State.DONE, 22, 0)
    assert lab.orphans(job) == []
    assert last.process.poll() is None
    assert took > 3  # it was at work until then


def test_what_it_is_at_when_its_time_is_over_is_given_back(both, tmp_path):
    lab, consumers = both
    first = consumers.start("--threads", 1, "--lifetime", 6, "--drain", 2)
    job = lab.submit(lab.upload(files(tmp_path / "in", "held.tif")), pipeline="moody")
    wait_for(lambda: seen(tmp_path))
    assert first.process.wait(60) == 0
    second = consumers.start("--threads", 1)
    wait_for(lambda: len(seen(tmp_path)) == 2, 6)  # at once, not after a lease
    (tmp_path / "go").touch()
    assert lab.wait(job).done == 1
    assert second.stop() == 0


def test_a_lifetime_that_is_over_at_once_is_refused(tmp_path, redis_url):
    words = ["consumer", "--lifetime", "20"]
    run = subprocess.run(
        [sys.executable, "-m", "cytomill", *words],
        env={**os.environ, "CYTOMILL_REDIS": redis_url, "CYTOMILL_BUCKET": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (
        2,
        "cytomill: --lifetime 20: must be more than the 20 s of --drain\n",
    )


def test_its_health_is_the_truth(tmp_path, own_redis):
    with moody(tmp_path, own_redis.url) as (lab, consumers):
        running = consumers.start("--threads", 1, "--health-port", 0, "--drain", 60)
        with health(running) as client:
            assert client.get("/live").text == client.get("/ready").text == "ok\n"
            assert client.get("/").status_code == 404
            own_redis.kill()
            wait_for(lambda: client.get("/ready").status_code == 503)
            assert "the queue (Redis) does not answer" in client.get("/ready").text
            assert client.get("/live").status_code == 200
            assert "cytomill_queue_waiting" not in values(client)
            assert values(client)["cytomill_consumer_threads"] == 1
            own_redis.start()
            wait_for(lambda: client.get("/ready").status_code == 200)
            names = ("held.tif", "odd.tif")
            job = lab.submit(lab.upload(files(tmp_path / "in", *names)), pipeline="moody")
            wait_for(lambda: seen(tmp_path))
            running.process.send_signal(signal.SIGTERM)
            wait_for(lambda: client.get("/ready").status_code == 503)
            assert "takes nothing more" in client.get("/ready").text
            wait_for(lambda: values(client)["cytomill_consumer_tasks"] == 1)  # and one given back
            found = values(client)
            assert found["cytomill_consumer_draining"] == 1
            assert found["cytomill_queue_running moody"] == found["cytomill_consumers"] == 1
            assert found["cytomill_queue_waiting moody"] == 1
            assert client.get("/live").status_code == 200
            (tmp_path / "go").touch()
            wait_for(lambda: lab.job(job).done == 1)
        assert running.process.wait(60) == 0


#: A consumer in whose process `time.time` is wrong.
_SKEWED = """
import sys, time
real, offset = time.time, float(sys.argv.pop(1))
time.time = lambda: real() + offset
from cytomill.cli.main import program
sys.argv[0] = "cytomill"
program()
"""


def test_tasks_do_not_depend_on_clocks_and_wrong_ones_are_told(both, tmp_path):
    lab, consumers = both
    offset = -4000.0
    consumers.program = ("-c", _SKEWED, str(offset))
    running = consumers.start("--threads", 1)
    wait_for(lambda: "clock" in told(lab, running))
    assert told(lab, running)["clock"] == pytest.approx(offset, abs=5)
    found = re.search(r"the clock of this machine is (\d+) s behind the queue's", running.said())
    assert found is not None
    assert float(found[1]) == pytest.approx(-offset, abs=5)
    job = lab.submit(lab.upload(files(tmp_path / "in", "held.tif", "many.tif")), pipeline="moody")
    wait_for(lambda: seen(tmp_path))
    time.sleep(9)  # longer than a lease
    consumers.program = ("-m", "cytomill")
    other = consumers.start("--threads", 1)
    (tmp_path / "go").touch()
    job = lab.wait(job)
    assert (job.state, job.done, job.failed) == (State.DONE, 2, 0)
    assert len([one for one in seen(tmp_path) if one.startswith("held")]) == 1
    assert "the clock of this machine" not in other.said()
    assert lab.orphans(job) == []
