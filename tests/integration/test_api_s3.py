"""Results from a bucket that is no folder: an S3 that is spoken to over the wire."""

from __future__ import annotations

import io
import secrets
import zipfile

import httpx
import numpy as np
import pytest
import tifffile

from tests.integration.test_api_jobs import problem
from tests.kiosk import PATIENCE, content, kiosk, submit, wait_for, work
from tests.labs import lab
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


def test_uploads_are_looked_into_and_results_converted_there_too(tmp_path, redis_url, s3):
    frames = np.zeros((3, 40, 60), np.uint8)
    frames[:, 10:20, 10:20] = 7
    sink = io.BytesIO()
    tifffile.imwrite(sink, frames, photometric="minisblack", metadata={"axes": "ZYX"})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/m.tif", sink.getvalue())
    bucket = f"s3://{NAME}/{secrets.token_hex(4)}"
    with lab(tmp_path, redis_url, bucket=bucket) as api, api.client() as ann:
        upload = ann.post("/uploads", json={"name": ""}).json()["id"]
        files = f"/uploads/{upload}/files"
        ann.put(f"{files}/a.tif", content=sink.getvalue()).raise_for_status()
        ann.put(f"{files}/b.zip", content=packed.getvalue()).raise_for_status()
        large = {"path": "c.tif", "bytes": len(sink.getvalue())}
        ann.post(f"/uploads/{upload}/large", json=large).raise_for_status()
        piece = ann.put(f"/uploads/{upload}/large/c.tif?piece=0", content=sink.getvalue())
        piece.raise_for_status()
        ann.post(f"/uploads/{upload}/complete", json={"path": "c.tif"}).raise_for_status()
        for path in ("a.tif", "b.zip", "b.zip/in/m.tif", "c.tif"):
            told = ann.get(f"/uploads/{upload}/inspect", params={"path": path, "axes": "TYX"})
            (image,) = told.json()["images"]
            assert (image["axes"], image["shape"]["t"]) == ("TYX", 3)
            picture = ann.get(f"/uploads/{upload}/thumbnail.png", params={"path": path})
            assert picture.status_code == 200
        answer = ann.get(f"/uploads/{upload}/inspect", params={"path": "d.tif"})
        problem(answer, 404, "not_found")
        inputs = {
            "upload": upload,
            "paths": ["b.zip/in/m.tif", "c.tif"],
            "corrections": [{"path": "*", "axes": "TYX", "pixel_size": 0.5}],
        }
        body = {"pipeline": "link", "inputs": [inputs], "options": {"files": "none"}}
        job = ann.post("/jobs", json=body).json()["id"]
        wait_for(lambda: ann.get(f"/jobs/{job}").json()["state"] not in ("listing", "running"))
        assert ann.get(f"/jobs/{job}").json()["done"] == 2
        formats = {"formats": "tiff,ctc,geojson"}
        answer = ann.get(f"/jobs/{job}/results.zip", params=formats)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
            assert found.testzip() is None
            assert not [name for name in found.namelist() if "error" in name]
            assert {"c_labels.tif", "c.geojson", "b/in/m_RES/mask002.tif"} <= {*found.namelist()}


def test_the_page_may_send_files_to_the_bucket(api, s3):
    def policy() -> str:
        answer = httpx.get(f"{api.url}/", headers={"Accept": "text/html"})
        return answer.headers["content-security-policy"]

    wait_for(lambda: f"connect-src 'self' {s3.url};" in policy())
