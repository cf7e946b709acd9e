"""A consumer does what a run does, and tells what it cannot do."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import cytomill
from cytomill.jobs.job import State
from tests.consumers import Consumers, Lab, image, lab

#: What is another in each TIFF that is written.
_UUID = re.compile(rb'UUID="[^"]*"')


@pytest.fixture
def both(tmp_path: Path, redis_url: str) -> Iterator[tuple[Lab, Consumers]]:
    with lab(tmp_path, redis_url) as made:
        yield made


def pictures(folder: Path, count: int = 3) -> Path:
    for number in range(count):
        image(folder / "plate" / f"img{number}.tif", seed=number)
    return folder


def test_a_job_gives_the_files_and_rows_of_a_run(both, tmp_path):
    lab, consumers = both
    folder = pictures(tmp_path / "in", 12)
    (folder / "bad.tif").write_bytes(b"II*\0 no image")
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.write(folder / "plate" / "img1.tif", "a/img1.tif")
        archive.writestr("broken.png", b"no picture")
    (folder / "worse.zip").write_bytes(b"no zip")
    run = cytomill.run([folder], tmp_path / "out", geojson=True, overlay=True)

    consumers.start("--threads", 2)
    outputs = {"geojson": True, "overlay": True}
    job = lab.wait(lab.submit(lab.upload(folder), outputs=outputs))

    assert (job.state, job.reason) == (State.DONE, "")
    assert (job.items, job.done, job.failed) == (16, 13, 3)
    records = lab.records(job)
    assert list(records) == [one.input for one in run.records]
    for one in run.records:
        told = records[one.input]
        assert (told.status, told.objects) == (one.status, one.objects)
        assert (told.sha256, told.images, told.ran) == (one.sha256, one.images, one.ran), one
        assert [output.name for output in told.outputs] == one.outputs
        for output in told.outputs:
            data = lab.backend.bucket.get(output.key)
            assert len(data) == output.bytes
            own = (tmp_path / "out" / output.name).read_bytes()
            assert _UUID.sub(b"", data) == _UUID.sub(b"", own), output.name
    csv, parquet = (f"measurements.{kind}" for kind in ("csv", "parquet"))
    assert lab.report(job, csv) == (tmp_path / "out" / csv).read_bytes()
    rows = pq.read_table(io.BytesIO(lab.report(job, parquet)))
    assert rows.equals(pq.read_table(tmp_path / "out" / parquet), check_metadata=True)
    manifest = json.loads(lab.report(job, "manifest.json"))
    whole = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(whole) - set(manifest) == {"shard"}
    for one in [*manifest["inputs"], *whole["inputs"]]:
        del one["seconds"]
        one.pop("error", None)
    del manifest["seconds"], whole["seconds"], whole["shard"]
    assert manifest == whole
    assert lab.orphans(job) == []
    assert consumers.started[0].stop() == 0


def test_what_cannot_be_processed_fails_by_its_own_name(both, tmp_path):
    lab, consumers = both
    folder = pictures(tmp_path / "in", 1)
    (folder / "plate" / "bad.tif").write_bytes(b"II*\0 no image")
    (folder / "worse.zip").write_bytes(b"no zip")
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.writestr("broken.png", b"no picture")
    consumers.start()
    records = lab.records(lab.wait(lab.submit(lab.upload(folder))))
    errors = {name: told.error for name, told in records.items() if told.status == "failed"}
    assert list(errors) == ["plate/bad.tif", "some/broken.png", "worse.zip"]
    assert errors["plate/bad.tif"].startswith("plate/bad.tif: ")
    assert errors["some/broken.png"].startswith("some.zip/broken.png: ")
    assert errors["worse.zip"] == "worse.zip: is not a zip, or is damaged; make the zip again"
    assert all(str(tmp_path) not in error for error in errors.values())
