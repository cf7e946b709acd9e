"""A client whose kiosk keeps everything in a bucket of S3: large data do not pass the API."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace

from cytomill.client import Client
from cytomill.settings import settings
from tests.kiosk import content, kiosk, work
from tests.s3 import NAME, serving

PIECE = 5 * 2**20


def test_there_and_back(redis_url, tmp_path, monkeypatch):
    monkeypatch.setattr("cytomill.client.upload.settings", replace(settings, piece_bytes=PIECE))
    data = os.urandom(2 * PIECE + 9)
    (tmp_path / "slide.tif").write_bytes(data)
    with serving() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        bucket = f"s3://{NAME}/{secrets.token_hex(4)}"
        with (
            kiosk(tmp_path, redis_url, bucket=bucket, piece_bytes=PIECE) as server,
            Client(server.url, server.token) as client,
        ):
            (stored,) = client.upload(tmp_path / "slide.tif")
            uploads = server.backend.bucket
            found = sorted(one.key for one in uploads.list(f"uploads/{stored.upload}/pieces"))
            pieces = [key for key in found if not key.endswith("index.json")]
            assert b"".join(map(uploads.get, pieces)) == data
            job = client.submit(stored)
            work(server.backend, ["a.tif"])
            client.download(job.id, tmp_path / "out")
            assert client._client._http.direct
    assert (tmp_path / "out/a_labels.tif").read_bytes() == content("a")
    assert (tmp_path / "out/a.ome.zarr/0/c/0").read_bytes() == b"chunk"
