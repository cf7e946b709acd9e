"""Jobs over images whose files say the wrong axes or pixel size, and over some of an upload."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import PIL.Image
import pytest
import tifffile

from cytomill.client import Client, Stored
from cytomill.jobs.items import read
from cytomill.ops.synthesise import Scene, nuclei
from tests.kiosk import wait_for
from tests.labs import lab


@pytest.fixture(scope="module")
def busy(tmp_path_factory, module_redis):
    """A kiosk with a consumer."""
    with lab(tmp_path_factory.mktemp("lab"), module_redis) as running:
        yield running


@pytest.fixture(scope="module")
def ann(busy):
    with busy.client() as client:
        yield client


@pytest.fixture
def stack():
    """Two planes of nuclei."""
    return np.stack([nuclei(Scene(shape=(96, 128)), seed)[0] for seed in (0, 1)])


def tiff(pixels):
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, photometric="minisblack")
    return sink.getvalue()


def uploaded(ann, files):
    upload = ann.post("/uploads", json={"name": ""}).json()["id"]
    for name, content in files.items():
        ann.put(f"/uploads/{upload}/files/{name}", content=content).raise_for_status()
    return upload


def submitted(ann, upload, **inputs):
    answer = ann.post(
        "/jobs", json={"pipeline": "nuclei", "inputs": [{"upload": upload, **inputs}]}
    )
    assert answer.status_code == 201, answer.text
    job = answer.json()["id"]
    wait_for(lambda: ann.get(f"/jobs/{job}").json()["state"] not in ("listing", "running"))
    return ann.get(f"/jobs/{job}").json()


def refused(ann, upload, **inputs):
    answer = ann.post(
        "/jobs", json={"pipeline": "nuclei", "inputs": [{"upload": upload, **inputs}]}
    )
    assert answer.status_code == 422, answer.text
    return json.dumps(answer.json(), ensure_ascii=False)


def labels(ann, job, index=0):
    """The label image of an item, and the axes and the pixel size that its file says."""
    (one,) = ann.get(f"/jobs/{job['id']}/items/{index}").json()["outputs"]
    content = ann.get(one["url"].removeprefix("/api/v1")).content
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        return file.asarray(), file.series[0].axes, file.ome_metadata


def axes_of(path):
    with tifffile.TiffFile(path) as file:
        return file.series[0].axes


def test_a_stack_is_a_movie_where_its_user_says_so(ann, stack):
    upload = uploaded(ann, {"a.tif": tiff(stack), "b.tif": tiff(stack)})
    said = [{"path": "a.tif", "axes": "tyx", "pixel_size": 0.5}]
    job = submitted(ann, upload, corrections=said)
    assert (job["done"], job["failed"]) == (2, 0)
    assert job["inputs"] == [{"upload": upload, "corrections": said}]
    corrected, axes, metadata = labels(ann, job)
    assert (axes, corrected.shape) == ("TYX", (2, 96, 128))
    assert 'PhysicalSizeX="0.5"' in metadata
    _, axes, metadata = labels(ann, job, 1)
    assert axes == "ZYX"
    assert "PhysicalSizeX" not in metadata
    manifest = ann.get(f"/jobs/{job['id']}/report/manifest.json").json()
    assert manifest["corrections"] == said


def test_channels_that_are_last_are_channels_and_it_is_shown_so(ann, stack):
    last = np.moveaxis(stack, 0, -1)  # (96, 128, 2)
    upload = uploaded(ann, {"b.zip": _zipped({"in/a.tif": tiff(last)})})
    job = submitted(ann, upload, corrections=[{"path": "b.zip/in/a.tif", "axes": "YXC"}])
    assert (job["done"], job["failed"]) == (1, 0)
    found, axes, _ = labels(ann, job)
    plain = submitted(ann, uploaded(ann, {"a.tif": tiff(stack[0])}))
    assert axes == "YX"
    assert np.array_equal(found, labels(ann, plain)[0])
    assert found.any()
    picture = ann.get(f"/jobs/{job['id']}/items/0/preview.png")
    assert PIL.Image.open(io.BytesIO(picture.content)).size == (128, 96)
    view = ann.get(f"/jobs/{job['id']}/items/0/view").json()["images"][0]
    assert view["shape"] == {"t": 1, "c": 2, "z": 1, "y": 96, "x": 128}


def test_axes_that_a_file_has_not_so_many_of_fail_it_alone(ann, stack):
    upload = uploaded(ann, {"a.tif": tiff(stack), "b.tif": tiff(stack[0])})
    job = submitted(ann, upload, corrections=[{"path": "*", "axes": "TYX"}])
    assert (job["done"], job["failed"]) == (1, 1)
    (item,) = ann.get(f"/jobs/{job['id']}/items", params={"state": "failed"}).json()["items"]
    assert item["error"] == (
        "b.tif: has 2 axes, YX (96×128), which cannot be TYX; "
        "give 2 letters, one for each axis, or none"
    )


def test_one_is_tried_before_all_are_done(ann, busy, stack):
    files = {"a.tif": tiff(stack[0]), "b.tif": tiff(stack[1]), "c/d.tif": tiff(stack[0])}
    upload = uploaded(ann, {**files, "z.zip": _zipped(files)})
    one = submitted(ann, upload, paths=["z.zip/c/d.tif"])
    assert [item.name for item in read(busy.backend.bucket, one["id"], 0, 9)] == ["z/c/d.tif"]
    assert (one["items"], one["done"]) == (1, 1)
    assert submitted(ann, upload)["done"] == 6


def test_what_no_upload_can_have_is_refused_in_words(ann, stack):
    upload = uploaded(ann, {"a.tif": tiff(stack)})
    for axes in ("TZX", "YYX", "ABC", ""):
        assert "letters of TCZYX" in refused(ann, upload, corrections=[{"path": "*", "axes": axes}])
    assert "give axes, pixel_size" in refused(ann, upload, corrections=[{"path": "*"}])
    for size in (0, -1, 1e9, "x"):
        refused(ann, upload, corrections=[{"path": "*", "pixel_size": size}])
    twice = [{"path": "a.tif", "axes": "TYX"}, {"path": "a.tif", "axes": "ZYX"}]
    assert "is there twice" in refused(ann, upload, corrections=twice)
    gone = "none.tif: is not in the upload"
    assert gone in refused(ann, upload, corrections=[{"path": "none.tif", "axes": "TYX"}])
    assert gone in refused(ann, upload, paths=["a.tif", "none.tif"])
    refused(ann, upload, paths=["../a.tif"])
    refused(ann, upload, paths=[])


def test_the_client_says_it_too(busy, stack, tmp_path):
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(tiff(stack))
    with Client(busy.url, busy.token) as client:
        out = tmp_path / "out"
        results = client.run([tmp_path / "a.tif"], out=out, axes="TYX", pixel_size=0.5)
        assert results.failed == ()
        assert axes_of(out / "a_labels.tif") == "TYX"
        (stored,) = client.upload([tmp_path / "a.tif", tmp_path / "b.tif"])
        chosen = Stored(
            upload=stored.upload,
            paths=("b.tif",),
            corrections=({"path": "b.tif", "axes": "CYX"},),
        )
        job = client.wait(client.submit(chosen, axes="TYX").id)
        assert job.done == job.items == 1
        client.download(job.id, tmp_path / "more")
        assert axes_of(tmp_path / "more/b_labels.tif") == "YX"


def _zipped(files):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()
