"""Movies whose frames are files: the kiosk has the items that a run has of the same folder."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytomill.batch.outputs import Outputs
from cytomill.errors import InputError
from cytomill.image.collect import collect, output_stems
from cytomill.image.entry import Entry
from cytomill.image.series import Series
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.items import Item, read
from cytomill.jobs.job import Job
from cytomill.kiosk.cache import Cache
from cytomill.kiosk.frames import objects_source, told_objects
from cytomill.kiosk.inputs import Inputs
from cytomill.kiosk.listing import Listing
from cytomill.kiosk.numbers import packed, unpacked
from cytomill.pipelines.base import Products
from tests.consumers import Lab

NOWHERE = Cache(Path("/nonexistent"), 1)


@pytest.fixture
def lab(tmp_path: Path, redis_url: str) -> Lab:
    return Lab.of(redis_url, tmp_path / "bucket")


def listed(lab: Lab, job: Job) -> list[Item]:
    lab.backend.queue.take("c", [job.pipeline], 1, idle=True)
    listing = Listing(lab.backend, lab.uploads, NOWHERE)
    listing.list(job, Outputs(), Products(), lambda: True, movies=True)
    return read(lab.backend.bucket, job.id, 0, lab.job(job).items)


def content(name: str) -> bytes:
    """Of a frame its own; what is called a stack has planes."""
    shape = (3, 4, 5) if "stack" in name else (4, 5)
    file = BytesIO()
    tifffile.imwrite(file, np.full(shape, len(name), np.uint8), photometric="minisblack")
    return file.getvalue() + name.encode()


def put(folder: Path, names: Iterable[str]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w") as archive:
                for member in ("t9.tif", "t10.tif", "02/a1.tif", "02/a3.tif", "02/a4.tif"):
                    archive.writestr(member, content(member))
        else:
            path.write_bytes(content(name) if name.endswith(".tif") else b"")
    return folder


def told(source: Entry) -> list[str]:
    """The first pixel of each frame, or why it cannot be read."""
    found = []
    try:
        with source.open() as file:
            (image,) = file.images
            for t in range(image.shape[0]):
                try:
                    found.append(str(image.read(t)[0, 0]))
                except InputError as error:
                    found.append(error.fault)
    except InputError as error:
        return [error.fault]
    return found


NAMES = (
    "t000.tif",
    "t001.tif",
    "t003.tif",
    "t1.tif",
    "overview.tif",
    "01/t000.tif",
    "01/t001.tif",
    "01/t002.png",
    "01_GT/TRA/man_track000.tif",
    "01_GT/TRA/man_track001.tif",
    "01_GT/TRA/man_track.txt",
    "exp/s1_t1.tif",
    "exp/s1_t2.tif",
    "exp/s2_t1.tif",
    "exp/s2_t2.tif",
    "exp/stack1.tif",
    "exp/stack2.tif",
    "c/t1_ch00.tif",
    "c/t1_ch01.tif",
    "c/t2_ch00.tif",
    "c/t2_ch01.tif",
    "scan.zip",
    "scan/t9.tif",
    "f1.zarr/.zgroup",
    "f2.zarr/.zgroup",
    ".t2.tif",
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.sampled_from([None, None, None, "*.tif", "*_ch01.tif", "01*"]),
)
def test_items_are_those_of_a_run(lab, tmp_path_factory, names, pattern):
    folder = put(tmp_path_factory.mktemp("in"), names)
    given = {"upload": lab.upload(folder), "pattern": pattern, "folder": folder.name}
    job = lab.submit(inputs=(given,))
    try:
        entries = collect([folder], pattern=pattern, movies=True)
    except InputError:
        with pytest.raises(InputError, match="the inputs"):
            listed(lab, job)
        return
    items = listed(lab, job)
    assert [item.name for item in items] == [entry.name for entry in entries]
    assert [item.stem for item in items] == output_stems(entries)
    inputs = Inputs(lab.backend, NOWHERE)
    for item, entry in zip(items, entries, strict=True):
        with inputs.entry(item) as found:
            assert told(found) == told(entry)
            assert found.digest() == entry.digest()


def test_without_the_name_of_its_folder_a_movie_has_that_of_its_files(lab, tmp_path):
    folder = put(tmp_path / "in", ["exp_t1.tif", "exp_t2.tif"])
    (item,) = listed(lab, lab.submit(lab.upload(folder)))
    assert (item.name, item.stem) == ("exp", "exp")


@pytest.mark.parametrize(
    ("folder", "name"), [("../../etc/01", "etc/01"), ("..", "_"), ("a\u2028b", "a_b")]
)
def test_the_name_of_a_folder_leads_nowhere(lab, tmp_path, folder, name):
    upload = lab.upload(put(tmp_path / "in", ["t1.tif", "t2.tif"]))
    (item,) = listed(lab, lab.submit(inputs=({"upload": upload, "folder": folder},)))
    assert (item.name, item.stem) == (name, name)


def test_movies_of_a_source(lab, tmp_path):
    put(tmp_path / "nas" / "day1" / "01", ["t0.tif", "t1.tif"])
    lab.backend = replace(lab.backend, sources={"nas": Bucket(str(tmp_path / "nas"))})
    for prefix, name in (("", "day1/01"), ("day1", "01"), ("day1/01/", "01")):
        job = lab.submit(inputs=({"source": "nas", "prefix": prefix},))
        (item,) = listed(lab, job)
        assert (item.name, item.source) == (name, "nas")
        with Inputs(lab.backend, NOWHERE).entry(item) as entry:
            assert len(told(entry)) == 2


def test_what_lies_on_the_kiosk_is_not_told(lab, tmp_path):
    folder = put(tmp_path / "in", ["01/t0.tif", "01/t1.tif", "01/t2.tif", "scan.zip"])
    (folder / "01/t1.tif").write_bytes(b"no image")
    items = {item.name: item for item in listed(lab, lab.submit(lab.upload(folder)))}
    inputs = Inputs(lab.backend, NOWHERE)
    for name, fault in (
        ("01", r"^01/t1\.tif: is not an image"),
        ("scan/02", r"^scan\.zip/02: frame 2 is missing: a2\.tif$"),
    ):
        with inputs.entry(items[name]) as entry, entry.open() as file:
            image = file.images[0]
            assert image.read(2).shape == (4, 5)
            with pytest.raises(InputError, match=fault):
                image.read(1)


def test_a_frame_that_was_deleted_is_told_when_it_is_read(lab, tmp_path):
    upload = lab.upload(put(tmp_path / "in", ["01/t0.tif", "01/t1.tif", "01/t2.tif"]))
    (item,) = listed(lab, lab.submit(upload))
    lab.backend.bucket.delete([f"uploads/{upload}/files/01/t1.tif"])
    with Inputs(lab.backend, NOWHERE).entry(item) as entry:
        assert told(entry)[1] == "is not there any more"
        assert len(entry.digest()) == 64


def test_an_item_of_ten_thousand_frames_is_small(lab, tmp_path):
    upload = lab.uploads.create("ann").id
    frame = content("t.tif")
    for number in range(10_000):
        path = tmp_path / f"bucket/uploads/{upload}/files/01/t{number:04d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(frame)
    (item,) = listed(lab, lab.submit(upload))
    assert len(item.entry) < 200
    with Inputs(lab.backend, NOWHERE).entry(item) as entry, entry.open() as file:
        assert file.images[0].shape[0] == 10_000


@given(st.lists(st.from_regex(r"\A[0-9]{1,5}\Z"), unique=True))
def test_numbers_come_back_as_they_were_written(numbers):
    written = tuple(sorted(numbers, key=lambda text: (int(text), text)))
    assert unpacked(packed(written)) == written


def test_numbers_that_follow_each_other_take_little_space():
    assert packed(f"{number:03d}" for number in range(92)) == ["000-091"]
    assert packed(str(number) for number in range(8, 12)) == ["8-9", "10-11"]
    assert packed(["1", "3", "04"]) == ["1", "3", "04"]


def test_frames_that_lie_apart_are_found(lab):
    series = Series("t", ".tif", ("1", "2", "3"))
    keys = {"t1.tif": "u/pieces/abc", "t2.tif": "u/files/01/t2.tif", "t3.tif": "u/files/01/t3.tif"}
    source = objects_source(told_objects(series, keys), NOWHERE, lab.backend.bucket, "01")
    assert [frame.key for frame in source.sources] == list(keys.values())
    assert source.series == series
    for top in ({"t1.tif": "t1.tif", "t2.tif": "t2.tif"}, {"t1.tif": "x", "t2.tif": "y"}):
        two = Series("t", ".tif", ("1", "2"))
        found = objects_source(told_objects(two, top), NOWHERE, lab.backend.bucket, "01")
        assert [frame.key for frame in found.sources] == list(top.values())
