"""What viewers read of images and labels that lie in a cloud: each is fetched once."""

from __future__ import annotations

import secrets

import numpy as np
import pytest
import tifffile

from cytomill.jobs.bucket import Bucket
from tests.kiosk import kiosk
from tests.s3 import NAME, S3Server
from tests.viewed import arrays, make

PIXELS = np.random.default_rng(2).integers(0, 999, (2, 600, 700), np.uint16)
LABELS = (np.arange(600 * 700, dtype=np.int32) // 500).reshape(1, 1, 600, 700)


@pytest.fixture
def api(tmp_path, redis_url, monkeypatch):
    server = S3Server()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    where = f"s3://{NAME}/{secrets.token_hex(4)}"
    with kiosk(tmp_path, redis_url, bucket=where, user_requests=10**6) as running:
        yield running
    server.stop()


@pytest.mark.parametrize("form", ["tiff", "zarr"])
def test_images_and_labels_are_fetched_once(api, tmp_path, form, monkeypatch):
    fetched = []
    download = Bucket.download

    def counted(self, key, path):
        fetched.append(key)
        download(self, key, path)

    monkeypatch.setattr(Bucket, "download", counted)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, metadata={"axes": "CYX"})
    with api.client() as ann:
        made = make(api, ann, path, labels=[LABELS], form=form)
        np.testing.assert_array_equal(
            arrays(ann, made.path("view/0/image.zarr"))[0][0, :, 0], PIXELS
        )
        np.testing.assert_array_equal(arrays(ann, made.path("view/0/labels.zarr"))[0][:, 0], LABELS)
        assert len(fetched) == len(set(fetched)) == 2
        ann.delete(f"/uploads/{made.upload}").raise_for_status()
        monkeypatch.setattr("cytomill.kiosk.view.opened._FRESH", 0.0)
        (told,) = ann.get(made.path("view")).json()["images"]
        assert "deleted" in told["error"]["fault"]
        np.testing.assert_array_equal(arrays(ann, made.path("view/0/labels.zarr"))[0][:, 0], LABELS)
