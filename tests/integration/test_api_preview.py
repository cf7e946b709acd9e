"""Previews: small pictures of images with the outlines of what was found in them."""

from __future__ import annotations

import io
import shutil
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile

from cytomill.image import ngff_write, tiff_write
from cytomill.image.archive import zip_entries
from cytomill.image.formats import open_images
from cytomill.jobs import layout
from cytomill.jobs.items import Item, write_page
from cytomill.jobs.task import Kind, Outcome
from cytomill.kiosk import place, record
from cytomill.kiosk.api import preview
from tests.integration.test_api_jobs import problem
from tests.kiosk import kiosk

HEIGHT, WIDTH = 300, 400


@pytest.fixture(scope="module")
def api(tmp_path_factory, module_redis):
    with kiosk(tmp_path_factory.mktemp("kiosk"), module_redis) as running:
        yield running


@pytest.fixture(scope="module")
def ann(api):
    with api.client() as client:
        yield client


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A grey image with one bright square."""
    path = tmp_path_factory.mktemp("images") / "a.tif"
    pixels = np.random.default_rng(1).integers(0, 100, (HEIGHT, WIDTH), np.uint16)
    pixels[100:200, 100:200] += 1000
    tifffile.imwrite(path, pixels)
    return path


def job_of(api, ann, source, image, kind, entry=""):
    """A job whose one item is the file ``source``, with labels of ``image`` as ``kind``."""
    upload = ann.post("/uploads", json={"name": ""}).json()["id"]
    data = source.read_bytes()
    ann.put(f"/uploads/{upload}/files/{source.name}", content=data).raise_for_status()
    body = {"pipeline": "nuclei", "inputs": [{"upload": upload}]}
    job = api.backend.queue.job(ann.post("/jobs", json=body).json()["id"])
    item = Item("a.tif", f"{layout.upload_files(upload)}/{source.name}", "a", entry=entry)
    while tasks := api.backend.queue.take("test", ["nuclei"], 1, idle=True).tasks:
        (task,) = tasks
        if task.kind is Kind.LIST:
            write_page(api.backend.bucket, job.id, 0, [item])
            api.backend.queue.extend(job, 0, 1, last=True)
        if task.kind is Kind.ITEM:
            where = layout.attempt(job.id, 0, task.attempt)
            outputs = labels(api.backend.bucket, where, image, kind)
            told = record.ItemRecord("a.tif", "done", outputs=outputs)
            record.write(api.backend.bucket, job.id, 0, task.attempt, told)
        api.backend.queue.finish(task, Outcome.DONE)
    return f"/jobs/{job.id}/items/0/preview.png"


def labels(bucket, where, path, kind):
    found = np.zeros((1, 1, HEIGHT, WIDTH), np.int32)
    found[0, 0, 100:200, 100:200] = 1
    made = path.with_name("made")
    with open_images(path) as file:
        if kind == "tiff":
            tiff_write.write_labels(made, found, file.images[0])
        elif kind == "zarr":
            ngff_write.write_labelled(made, found, file.images[0], name="nuclei")
        else:
            return ()
    bucket.put_file(f"{where}/0", made)
    (shutil.rmtree if made.is_dir() else Path.unlink)(made)
    return (record.Output("a_labels.tif" if kind == "tiff" else "a.ome.zarr", f"{where}/0", 1),)


def opened(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=86400"
    return np.asarray(PIL.Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)


def coloured(pixels):
    return np.ptp(pixels, axis=-1) > 30


@pytest.mark.parametrize("kind", ["tiff", "zarr"])
def test_objects_are_outlined_in_colour(api, ann, image, kind):
    path = job_of(api, ann, image, image, kind)
    pixels = opened(ann.get(path))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    rows, columns = np.nonzero(coloured(pixels))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (100, 199, 100, 199)
    assert not coloured(pixels)[101:199, 101:199].any()


def test_a_picture_is_no_larger_than_asked_for(api, ann, image):
    path = job_of(api, ann, image, image, "tiff")
    assert opened(ann.get(path, params={"size": 100})).shape == (75, 100, 3)
    assert opened(ann.get(path, params={"size": 399})).shape == (150, 200, 3)
    for size in (15, 2049):
        problem(ann.get(path, params={"size": size}), 422, "option")


def test_an_image_without_labels_is_shown_as_it_is(api, ann, image):
    pixels = opened(ann.get(job_of(api, ann, image, image, "none")))
    assert not coloured(pixels).any()
    assert pixels[150, 150, 0] > pixels[50, 50, 0] + 100


def test_an_image_in_a_zip_is_shown(api, ann, image, tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(image, "a.tif")
    (entry,) = zip_entries(path, "z.zip", lambda _: True)
    told = place.told(entry.source, path, "z.zip")
    assert coloured(opened(ann.get(job_of(api, ann, path, image, "tiff", told)))).any()


def test_what_cannot_be_shown_is_told(api, ann, image, monkeypatch):
    path = job_of(api, ann, image, image, "tiff")
    with monkeypatch.context() as patch:
        patch.setattr(preview, "_PIXELS", HEIGHT * WIDTH - 1)
        assert "too large" in problem(ann.get(path), 409, "conflict")["detail"]
    upload = ann.get(path.partition("/items")[0]).json()["inputs"][0]["upload"]
    ann.delete(f"/uploads/{upload}")
    assert "deleted" in problem(ann.get(path), 404, "not_found")["detail"]


def test_a_file_that_is_no_image_is_told(api, ann, image, tmp_path):
    path = tmp_path / "b.tif"
    path.write_bytes(b"II*\0 no image")
    told = problem(ann.get(job_of(api, ann, path, image, "none")), 422, "input")
    assert told["detail"].startswith("a.tif: ")
    assert "/" not in told["detail"]


def test_two_are_made_at_once_and_others_wait(api, ann, image, monkeypatch):
    path = job_of(api, ann, image, image, "none")
    lock, full, busy = threading.Lock(), threading.Event(), []
    most = 0

    def drawn(*_):
        nonlocal most
        with lock:
            busy.append(1)
            most = max(most, len(busy))
            if len(busy) == preview.AT_ONCE:
                full.set()
        full.wait(30)
        with lock:
            busy.pop()
        return b"\x89PNG"

    monkeypatch.setattr(preview, "_drawn", drawn)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ann.get, [path] * 6))
    assert {answer.status_code for answer in answers} == {200}
    assert most == preview.AT_ONCE
