"""The API while what it needs is away, full or strange: an answer in words, and then recovery."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import httpx
import pytest

from cytomill.jobs import layout
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.uploads import Uploads
from cytomill.kiosk.api import app
from cytomill.kiosk.janitor import Janitor
from tests.integration.test_api_jobs import of, problem
from tests.kiosk import PATIENCE, kiosk, submit, wait_for


def test_redis_away_is_told_and_recovered_from_without_a_restart(tmp_path, own_redis):
    with kiosk(tmp_path, own_redis.url) as api, api.client() as ann:
        job = submit(ann)["id"]
        assert ann.get("/health/ready").status_code == 200
        own_redis.kill()
        for path in (f"/jobs/{job}", "/jobs", "/events", f"/jobs/{job}/events", "/me"):
            answer = ann.get(path)
            problem(answer, 503, "queue_away")
            assert answer.headers["retry-after"] == "2"
        assert ann.get("/health/live").status_code == 200
        wait_for(lambda: ann.get("/health/ready").status_code == 503)
        problem(ann.get("/health/ready"), 503, "queue_away")
        own_redis.start()
        wait_for(lambda: ann.get("/health/ready").status_code == 200)
        assert ann.get(f"/jobs/{job}").json()["id"] == job


def test_a_queue_whose_memory_is_full_is_told(tmp_path, own_redis):
    with kiosk(tmp_path, own_redis.url) as api, api.client() as ann:
        job = submit(ann)
        api.backend.redis.config_set("maxmemory", "1")
        upload = job["inputs"][0]["upload"]
        answer = ann.post("/jobs", json=of(upload))
        assert answer.status_code == 507, answer.text
        assert answer.json()["code"] == "queue_full"
        assert ann.get(f"/jobs/{job['id']}").status_code == 200
        api.backend.bucket.put(layout.items(job["id"], 0), b"")
        assert ann.delete(f"/jobs/{job['id']}").status_code == 204
        backend = api.backend
        Janitor(backend, Uploads(backend.redis, backend.bucket, backend.settings)).sweep()
        assert not [*api.backend.bucket.list(layout.job(job["id"]))]
        api.backend.redis.config_set("maxmemory", "0")
        assert ann.post("/jobs", json=of(upload)).status_code == 201


def test_a_bucket_that_is_away_is_told(tmp_path, redis_url):
    with (
        kiosk(tmp_path, redis_url, bucket="s3://none?endpoint=http://127.0.0.1:9") as api,
        api.client() as ann,
    ):
        answer = ann.get("/health/ready")
        problem(answer, 503, "bucket_away")
        assert answer.headers["retry-after"] == "2"


def test_what_nobody_foresaw_is_answered_without_a_traceback(tmp_path, redis_url, caplog):
    with kiosk(tmp_path, redis_url) as api, api.client() as ann:
        job = submit(ann)["id"]
        api.backend.redis.hset(f"{{cytomill}}:job:{job}", "items", "many")
        told = problem(ann.get(f"/jobs/{job}"), 500, "fault")
        assert "job.py" in told["detail"]
        assert "many" not in told["detail"]
        lines = [record.getMessage() for record in caplog.records]
        assert any("GET /jobs/{job_id}: a fault" in line for line in lines)
        assert not any("Traceback" in line for line in lines)


def test_bodies_that_are_too_large_are_refused(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url) as api, api.client() as ann:
        large = json.dumps({"pipeline": "x" * 20_000_000}).encode()
        kind = {"Content-Type": "application/json"}
        try:
            answer = ann.post("/jobs", content=large, headers=kind)
        except httpx.WriteError:  # refused before all of it was sent
            return
        problem(answer, 413, "too_large")


def test_what_is_deleted_goes_though_redis_was_away(tmp_path, own_redis, monkeypatch):
    monkeypatch.setattr(app, "_SWEEP", 0.05)
    with kiosk(tmp_path, own_redis.url) as api, api.client() as ann:
        job = submit(ann)["id"]
        api.backend.bucket.put(f"{layout.results(job, 0)}/1/0", b"x")
        own_redis.kill()
        time.sleep(0.2)  # for sweeps that fail
        own_redis.start()
        wait_for(lambda: ann.delete(f"/jobs/{job}").status_code == 204)
        wait_for(lambda: not list(api.backend.bucket.list(layout.job(job))))


@pytest.fixture
def environment(tmp_path, redis_url):
    keep = {name: value for name, value in os.environ.items() if not name.startswith("CYTOMILL_")}
    own = {"CYTOMILL_REDIS": redis_url, "CYTOMILL_BUCKET": str(tmp_path / "bucket")}
    return {**keep, **own, "PYTHONUNBUFFERED": "1"}


def started(environment, *options):
    words = [sys.executable, "-m", "cytomill", "api", "--port", "0", *options]
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_the_command_serves_and_ends_in_peace(environment):
    process, url = started(environment, "--no-token")
    with process:
        assert url.startswith("http://127.0.0.1:")
        assert process.stdout.readline() == "ready\n"
        with httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE) as client:
            assert client.get("/me").json()["user"] == "local"
            with client.stream("GET", "/events") as answer:
                lines = answer.iter_lines()
                assert next(lines) == "retry: 2000"
                process.terminate()
                assert list(lines) == [""]  # the stream ends, rather than to break off
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")


def test_an_answer_that_was_begun_is_finished_before_the_end(environment, redis_url, tmp_path):
    size = 50_000_000  # more than the system keeps on the way
    process, url = started(environment, "--no-token")
    with process, httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE) as client:
        job = submit(client)["id"]
        Bucket(str(tmp_path / "bucket")).put(f"{layout.report(job)}/measurements.csv", bytes(size))
        with client.stream("GET", f"/jobs/{job}/report/measurements.csv") as answer:
            chunks = answer.iter_raw()
            read = len(next(chunks))
            process.terminate()
            read += sum(map(len, chunks))
        assert read == size
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert all(line.startswith('{"time"') for line in errors.splitlines()), errors  # the audit


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--no-token", "--host", "0.0.0.0"], "--no-token: whoever reaches 0.0.0.0"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--host", "no.such.host.invalid"], "--host no.such.host.invalid: no such address"),
    ],
)
def test_the_command_says_why_it_cannot_serve(environment, options, words):
    process, _ = started(environment, *options)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert words in errors
    assert len(errors.splitlines()) == 1


def test_a_port_that_is_taken_is_told(environment):
    first, url = started(environment)
    with first:
        words = [sys.executable, "-m", "cytomill", "api", "--port", url.rpartition(":")[2]]
        second = subprocess.run(
            words, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        first.terminate()
        first.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert "cannot listen on 127.0.0.1" in second.stderr
    assert first.returncode == 0
