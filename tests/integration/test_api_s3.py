"""Results from a bucket that is no folder: an S3 that is spoken to over the wire."""

from __future__ import annotations

import io
import secrets
import zipfile

import httpx
import pytest

from tests.integration.test_api_jobs import problem
from tests.kiosk import PATIENCE, content, kiosk, submit, wait_for, work
from tests.s3 import NAME, S3Server


@pytest.fixture
def s3(monkeypatch):
    server = S3Server()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


@pytest.fixture
def api(tmp_path, redis_url, s3):
    with kiosk(tmp_path, redis_url, bucket=f"s3://{NAME}/{secrets.token_hex(4)}") as running:
        yield running


@pytest.fixture
def ann(api):
    with api.client() as client:
        yield client


def test_results_are_fetched_from_it_or_from_the_bucket_itself(api, ann, s3):
    job = f"/jobs/{submit(ann)['id']}"
    work(api.backend, ["a.tif", "b.tif"])
    path = f"{job}/items/1/outputs/b_labels.tif"
    assert ann.get(path).content == content("b")
    part = ann.get(path, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, content("b")[1000:2000])
    answer = ann.get(path, params={"redirect": True})
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(s3.url)
    # The bucket's own address needs no token.
    assert httpx.get(answer.headers["location"], timeout=PATIENCE).content == content("b")
    with zipfile.ZipFile(io.BytesIO(ann.get(f"{job}/results.zip").content)) as found:
        assert found.testzip() is None
        assert found.read("a_labels.tif") == content("a")
        assert found.read("b.ome.zarr/0/c/0") == b"chunk"
        assert len(found.namelist()) == 10


def test_an_outage_of_it_is_told(api, ann, s3):
    job = f"/jobs/{submit(ann)['id']}"
    work(api.backend, ["a.tif"])
    s3.stop()
    problem(ann.get(f"{job}/items/0/outputs/a_labels.tif"), 503, "bucket_away")
    problem(ann.get(f"{job}/results.zip"), 503, "bucket_away")
    wait_for(lambda: ann.get("/health/ready").status_code == 503)
    assert ann.get(job).status_code == 200
