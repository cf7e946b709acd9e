"""Planes that are too large to be made at once: in levels, in little memory, by many at a time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
import tifffile

from cytomill.kiosk.view import pyramid
from cytomill.kiosk.view.halving import mean
from tests.integration.test_api_jobs import problem
from tests.kiosk import PATIENCE, kiosk
from tests.viewed import arrays, fetch, make

PIXELS = np.random.default_rng(5).integers(0, 60_000, (3, 1400, 2100), np.uint16)
LABELS = np.arange(1400 * 2100, dtype=np.int32).reshape(1, 1, 1400, 2100) // 1000


@pytest.fixture(scope="module")
def api(tmp_path_factory, module_redis):
    with kiosk(tmp_path_factory.mktemp("kiosk"), module_redis, user_requests=10**6) as running:
        yield running


@pytest.fixture(scope="module")
def ann(api):
    with api.client() as client:
        yield client


@pytest.fixture
def large(monkeypatch):
    """Planes of a megapixel are too large to be made at once."""
    monkeypatch.setattr(pyramid, "SMALL", 10**6)


def ready(client, made):
    """The view when all levels are there, and what it said of the progress until then."""
    shares, end = [], time.monotonic() + PATIENCE
    while time.monotonic() < end:
        (told,) = client.get(made.path("view")).raise_for_status().json()["images"]
        shares.append(told["progress"])
        if told["ready"]:
            return told, shares
        time.sleep(0.02)
    raise AssertionError(f"it does not become ready: {shares[-5:]}")


@pytest.mark.parametrize("form", ["tiff", "zarr"])
def test_levels_are_built_beside_the_requests(api, ann, large, tmp_path, form):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, metadata={"axes": "CYX"}, compression="zlib", rowsperstrip=50)
    made = make(api, ann, path, labels=[LABELS], form=form)
    told, shares = ready(ann, made)
    assert shares == sorted(shares)
    assert (shares[-1], told["error"]) == (1, None)
    found = arrays(ann, made.path("view/0/image.zarr"))
    for level, one in enumerate(found):
        for c in range(3):
            np.testing.assert_array_equal(one[0, c, 0], mean(PIXELS[c], level))
    for level, one in enumerate(arrays(ann, made.path("view/0/labels.zarr"))):
        np.testing.assert_array_equal(one[:, 0], LABELS[..., :: 2**level, :: 2**level])


def test_a_chunk_that_is_not_there_yet_is_asked_for_again(api, ann, large, tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS[0])
    made = make(api, ann, path)
    go, rows = threading.Event(), pyramid.Pyramid.rows

    def waiting(*given):
        assert go.wait(PATIENCE)
        yield from rows(*given)

    monkeypatch.setattr(pyramid.Pyramid, "rows", waiting)
    coarse = made.path("view/0/image.zarr/2/0/0/0/0/0")
    answer = ann.get(coarse)
    assert "being made" in problem(answer, 503, "not_yet")["detail"]
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    # What is read from the file does not wait, nor do the metadata.
    fine = ann.get(made.path("view/0/image.zarr/1/0/0/0/0/0"))
    np.testing.assert_array_equal(
        np.frombuffer(fine.content, "<u2").reshape(512, 512), mean(PIXELS[0], 1)[:512, :512]
    )
    assert ann.get(made.path("view/0/image.zarr/.zattrs")).status_code == 200
    (told,) = ann.get(made.path("view")).json()["images"]
    assert (told["ready"], told["progress"]) == (False, 0)
    assert told["channels"][0]["high"] > 50_000
    go.set()
    found = np.frombuffer(fetch(ann, coarse), "<u2").reshape(512, 512)
    np.testing.assert_array_equal(found[:350], mean(PIXELS[0], 2)[:, :512])


def test_planes_are_built_when_they_are_looked_at(api, ann, large, tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, metadata={"axes": "TYX"}, bigtiff=True)
    made = make(api, ann, path)
    ready(ann, made)
    for t in (2, 1):
        found = fetch(ann, made.path(f"view/0/image.zarr/3/{t}/0/0/0/0"))
        assert found is not None
        pixels = np.frombuffer(found, "<u2").reshape(512, 512)[:175, :263]
        np.testing.assert_array_equal(pixels, mean(PIXELS[t], 3))


def test_many_look_at_a_slide_at_once(api, ann, large, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS[0], tile=(256, 256), compression="zlib")
    made = make(api, ann, path, labels=[LABELS])
    keys = [f"{level}/0/0/0/0/{column}" for level in range(4) for column in range(2)]
    keys = [key for key in keys if key[0] in "01" or key.endswith("0")]
    paths = [made.path(f"view/0/{kind}.zarr/{key}") for kind in ("image", "labels") for key in keys]

    def look(path):
        return path, fetch(ann, path)

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(look, paths * 6))
    assert len({path for path, _ in found}) == len(set(found))
    assert all(data for _, data in found)


def test_a_slide_that_is_damaged_is_told_where_it_is_looked_at(api, ann, large, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS[0], tile=(256, 256), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        where, size = tif.pages[0].dataoffsets[20], tif.pages[0].databytecounts[20]
    data = bytearray(path.read_bytes())
    data[where : where + size] = bytes(size)
    path.write_bytes(data)
    made = make(api, ann, path)
    assert fetch(ann, made.path("view/0/image.zarr/0/0/0/0/0/0"))
    end = time.monotonic() + PATIENCE
    while (answer := ann.get(made.path("view/0/image.zarr/2/0/0/0/0/0"))).status_code == 503:
        assert time.monotonic() < end
        time.sleep(0.02)
    told = problem(answer, 422, "input")["detail"]
    assert told.startswith("a.tif: ")
    assert "/" not in told


def test_a_slide_is_looked_at_in_little_memory(api, ann, tmp_path):
    edge = 2**14
    path = tmp_path / "a.tif"
    # Of a file with holes nothing is on disk.
    written = tifffile.memmap(path, shape=(edge, edge), dtype=np.uint16)
    written[:600, :600] = 7
    written.flush()
    del written
    plane = 2 * edge**2
    made = make(api, ann, path, move=True)
    process, peak, stop = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch():
        while not stop.wait(0.01):
            peak[0] = max(peak[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        told, _ = ready(ann, made)
        for level in range(len(told["levels"])):
            assert fetch(ann, made.path(f"view/0/image.zarr/{level}/0/0/0/0/0"))
    finally:
        stop.set()
        watcher.join()
    assert peak[0] < plane / 2
