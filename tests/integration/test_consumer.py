"""A consumer does what a run does, and tells what it cannot do."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile

import cytomill
from cytomill.jobs.job import State
from tests.consumers import Consumers, Lab, image, lab
from tests.s3 import NAME, serving

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


def test_a_large_image_in_parts_is_the_whole(both, tmp_path):
    lab, consumers = both
    tile = {"CYTOMILL_TILE": "320", "CYTOMILL_WHOLE": str(320 * 320)}
    consumers.environment = tile
    image(tmp_path / "in" / "slide.tif", size=(1200, 1500))
    command = [sys.executable, "-m", "cytomill", "run", str(tmp_path / "in"), "-q", "-o"]
    subprocess.run([*command, str(tmp_path / "out")], env={**os.environ, **tile}, check=True)
    for _ in range(2):
        consumers.start("--threads", 1)
    job = lab.wait(lab.submit(lab.upload(tmp_path / "in")))
    assert (job.state, job.done) == (State.DONE, 1)
    (told,) = lab.records(job).values()
    assert (lab.job(job).objects, told.objects) == (told.objects, told.objects)
    whole = (tmp_path / "out" / "slide_labels.tif").read_bytes()
    assert _UUID.sub(b"", lab.output(told, "_labels.tif")) == _UUID.sub(b"", whole)
    csv = "measurements.csv"
    assert lab.report(job, csv) == (tmp_path / "out" / csv).read_bytes()
    attempts = lab.backend.queue.states(job, 0, 1)
    assert attempts == [("done", 2)]  # the first attempt fanned it out, the second merged
    assert lab.orphans(job) == []


def test_a_cloud_gives_what_a_folder_gives(tmp_path, redis_url, monkeypatch):
    with ExitStack() as stack:
        for name, value in stack.enter_context(serving()).environment.items():
            monkeypatch.setenv(name, value)
        cloud = lab(tmp_path, redis_url, bucket=f"s3://{NAME}/lab")
        far, consumers = stack.enter_context(cloud)
        folder = pictures(tmp_path / "in", 2)
        with zipfile.ZipFile(folder / "some.zip", "w") as archive:
            archive.write(folder / "plate" / "img1.tif", "img1.tif")
        cytomill.run([folder], tmp_path / "out", format="zarr")
        consumers.start("--threads", 2)
        job = far.wait(far.submit(far.upload(folder), outputs={"format": "zarr"}))
        assert (job.state, job.done) == (State.DONE, 3)
        for told in far.records(job).values():
            for output in told.outputs:
                mine = {
                    found.key.removeprefix(output.key): far.backend.bucket.get(found.key)
                    for found in far.backend.bucket.list(output.key)
                }
                path = tmp_path / "out" / output.name
                assert mine == {
                    f"/{one.relative_to(path).as_posix()}": one.read_bytes()
                    for one in path.rglob("*")
                    if one.is_file()
                }
                assert output.bytes == sum(map(len, mine.values()))
        csv = "measurements.csv"
        assert far.report(job, csv) == (tmp_path / "out" / csv).read_bytes()
        assert far.orphans(job) == []
        assert consumers.started[0].stop() == 0


def test_columns_that_only_later_images_have_are_in_the_table(both, tmp_path):
    lab, consumers = both
    folder = pictures(tmp_path / "in", 1)
    pixels = tifffile.imread(folder / "plate" / "img0.tif")
    tifffile.imwrite(folder / "two.ome.tif", np.stack([pixels, pixels]), metadata={"axes": "CYX"})
    cytomill.run([folder], tmp_path / "out")
    consumers.start()
    job = lab.wait(lab.submit(lab.upload(folder)))
    csv = "measurements.csv"
    assert lab.report(job, csv) == (tmp_path / "out" / csv).read_bytes()


def test_a_job_that_cannot_begin_fails_in_words(both, tmp_path):
    lab, consumers = both
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note.txt").write_text("no image")
    upload = lab.upload(tmp_path / "in")
    consumers.start()
    empty = lab.wait(lab.submit(upload))
    assert empty.state is State.FAILED
    assert empty.reason.startswith("the inputs: hold no image; give TIFF")
    wrong = lab.wait(lab.submit(upload, options={"chanel": 1}))
    assert wrong.reason.startswith("nuclei has no option 'chanel'")


def test_failed_items_are_tried_again_and_the_report_with_them(both, tmp_path):
    lab, consumers = both
    folder = pictures(tmp_path / "in", 1)
    (folder / "bad.tif").write_bytes(b"no image")
    upload = lab.upload(folder)
    consumers.start()
    job = lab.wait(lab.submit(upload))
    assert (job.done, job.failed) == (1, 1)
    lab.uploads.put(upload, "bad.tif", [(folder / "plate" / "img0.tif").read_bytes()])
    assert lab.backend.queue.retry(job) == 1
    job = lab.wait(job)
    assert (job.state, job.done, job.failed) == (State.DONE, 2, 0)
    inputs = json.loads(lab.report(job, "manifest.json"))["inputs"]
    assert [one["status"] for one in inputs] == ["done", "done"]
    assert lab.orphans(job) == []
