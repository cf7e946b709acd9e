"""Movies whose frames lie in a cloud: only the frames that are read are fetched."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cytomill.batch.outputs import Outputs
from cytomill.errors import InputError
from cytomill.image.collect import collect
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.items import read
from cytomill.kiosk.cache import Cache
from cytomill.kiosk.inputs import Inputs
from cytomill.kiosk.listing import Listing
from cytomill.pipelines.base import Products
from tests.consumers import Lab
from tests.s3 import NAME, S3Server, serving

FRAMES = 40


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as running:
        yield running


@pytest.fixture
def lab(server: S3Server, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Lab:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Lab.of(redis_url, f"s3://{NAME}/{secrets.token_hex(4)}")


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "in" / "01"
    folder.mkdir(parents=True)
    for number in range(FRAMES):
        tifffile.imwrite(folder / f"t{number:03d}.tif", np.full((8, 9), number, np.uint8))
    (folder / "t020.tif").write_bytes(b"")
    return folder


def test_only_the_frames_that_are_read_are_fetched(lab, frames, tmp_path, monkeypatch):
    fetched: list[str] = []
    real = Bucket.download

    def download(self: Bucket, key: str, path: Path) -> None:
        fetched.append(key.rsplit("/", 1)[-1])
        real(self, key, path)

    monkeypatch.setattr(Bucket, "download", download)
    job = lab.submit(lab.upload(frames.parent))
    lab.backend.queue.take("c", [job.pipeline], 1, idle=True)
    cache = Cache(tmp_path / "cache", 2**30)
    listing = Listing(lab.backend, lab.uploads, cache)
    listing.list(job, Outputs(), Products(), lambda: True, movies=True)
    (item,) = read(lab.backend.bucket, job.id, 0, 1)
    assert (item.name, fetched) == ("01", ["t000.tif"])

    with Inputs(lab.backend, cache).entry(item) as entry, entry.open() as file:
        (image,) = file.images
        assert image.shape == (FRAMES, 1, 1, 8, 9)
        few = len(fetched)
        assert few < 6
        assert image.read(33)[0, 0] == 33
        assert fetched[few:] == ["t033.tif"]
        with pytest.raises(InputError, match=r"^01/t020\.tif: is empty"):
            image.read(20)
        (local,) = collect([frames], movies=True)
        assert entry.digest() == local.digest()
    assert sorted(set(fetched)) == sorted(path.name for path in frames.iterdir())
    assert len(fetched) == FRAMES
