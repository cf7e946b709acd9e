from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytomill.batch.outputs import Outputs
from cytomill.errors import InputError, OptionError
from cytomill.image.collect import collect, output_stems
from cytomill.image.names import distinct_stems, series_stems
from cytomill.jobs import layout
from cytomill.jobs.errors import QuotaError
from cytomill.jobs.items import Item, read
from cytomill.jobs.job import Job
from cytomill.kiosk.cache import Cache
from cytomill.kiosk.inputs import Inputs
from cytomill.kiosk.listing import Listing
from cytomill.pipelines.base import Products
from tests.consumers import Lab


@pytest.fixture
def lab(tmp_path: Path, redis_url: str) -> Lab:
    return Lab.of(redis_url, tmp_path / "bucket")


def listed(lab: Lab, job: Job, **how: object) -> list[Item]:
    lab.backend.queue.take("c", [job.pipeline], 1, idle=True)
    cache = Cache(Path("/nonexistent"), 1)
    listing = Listing(lab.backend, lab.uploads, cache)
    listing.list(job, how.pop("outputs", Outputs()), Products(), lambda: True)
    return read(lab.backend.bucket, job.id, 0, lab.job(job).items)


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w") as archive:
                for member in ("img10.tif", "img2.tif", "a/é.png", "plate.zarr/.zgroup", ".x.tif"):
                    archive.writestr(member, name)
        else:
            path.write_text(name)
    return folder


NAMES = (
    "img10.tif",
    "img2.tif",
    "img2.png",
    "IMG2.TIF",
    "a/img2.tif",
    "a/some.zip",
    "a/some/img2.tif",
    "b.zarr/.zattrs",
    "b.zarr/0/c/0.tif",
    "d/zarr.json",
    "d/x.tif",
    "d/e.zarr/.zgroup",
    ".hidden/x.tif",
    "a/.x.tif",
    "a/Thumbs.db",
    "a.tif/b.tif",
    "note.txt",
    "scan_s0.tif",
    "scan.tif",
    "broken.ome.tiff",
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.sampled_from([None, "*.tif", "a/*", "*some*", "*img2*", "d", "*.png"]),
)
def test_names_are_those_that_a_run_gives(lab, tmp_path_factory, names, pattern):
    folder = put(tmp_path_factory.mktemp("in"), *names)
    job = lab.submit(inputs=({"upload": lab.upload(folder), "pattern": pattern},))
    try:
        entries = collect([folder], pattern=pattern)
    except InputError:
        with pytest.raises(InputError, match="the inputs"):
            listed(lab, job)
        return
    items = listed(lab, job)
    assert [item.name for item in items] == [entry.name for entry in entries]
    assert [item.stem for item in items] == output_stems(entries)
    inputs = Inputs(lab.backend, Cache(Path("/nonexistent"), 1))
    for item, entry in zip(items, entries, strict=True):
        with inputs.entry(item) as found:
            assert found.name == entry.name
            assert found.digest() == entry.digest()


def test_the_second_of_a_name_is_numbered_and_the_same_file_is_taken_once(lab, tmp_path):
    one = lab.upload(put(tmp_path / "one", "a.tif", "b.tif"))
    two = lab.upload(put(tmp_path / "two", "a.tif"))
    items = listed(lab, lab.submit(one, two, one))
    assert [item.name for item in items] == ["a.tif", "b.tif", "a-2.tif"]
    assert [item.stem for item in items] == ["a", "b", "a-2"]


def test_a_source_is_a_folder_or_one_file_of_it(lab, tmp_path, redis_url):
    put(tmp_path / "nas" / "day1", "a.tif", "raw.dat", "b.zarr/zarr.json", "some.zip")
    source = lab.backend.bucket.__class__(str(tmp_path / "nas"))
    lab.backend = replace(lab.backend, sources={"nas": source})

    def names(**given: str) -> list[str]:
        job = lab.submit(inputs=({"source": "nas", **given},))
        return [item.name for item in listed(lab, job)]

    inside = ["some/a/é.png", "some/img2.tif", "some/img10.tif", "some/plate.zarr"]
    assert names(prefix="day1") == ["a.tif", "b.zarr", *inside]
    assert names(prefix="/day1/", pattern="*.dat") == ["raw.dat"]
    assert names(prefix="day1/raw.dat") == ["raw.dat"]
    assert names(prefix="day1/b.zarr") == ["b.zarr"]
    assert names(prefix="day1/some.zip") == inside
    assert names(prefix="", pattern="day1/a*") == ["day1/a.tif"]
    with pytest.raises(OptionError, match="there is no source 'other'"):
        listed(lab, lab.submit(inputs=({"source": "other", "prefix": ""},)))
    with pytest.raises(InputError, match="hold no image"):
        names(prefix="day")


def test_stems_of_several_images_avoid_those_of_other_items(lab, tmp_path):
    names = ["scan.tif", "scan_s0.tif", "scan__s1.tif", "Other.tif", "other_S3.tif"]
    items = listed(lab, lab.submit(lab.upload(put(tmp_path / "in", *names))))
    folded = {stem.casefold() for stem in distinct_stems([item.name for item in items])}
    for item in items:
        for count in (1, 2, 5):
            assert series_stems(item.stem, count, item.taken) == series_stems(
                item.stem, count, folded
            )


def test_a_listing_goes_on_where_one_that_died_stopped(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "PAGE", 2)
    job = lab.submit(lab.upload(put(tmp_path / "in", *(f"{i}.tif" for i in range(5)))))
    listing = Listing(lab.backend, lab.uploads, Cache(tmp_path / "cache", 1))
    lab.backend.queue.take("c", ["nuclei"], 1, idle=True)
    pages = iter([True, True, False])
    listing.list(job, Outputs(), Products(), lambda: next(pages))
    assert (lab.job(job).items, lab.job(job).sealed) == (4, False)
    first = lab.backend.bucket.find(layout.items(job.id, 0))
    listing.list(lab.job(job), Outputs(), Products(), lambda: True)
    assert (lab.job(job).items, lab.job(job).sealed) == (5, True)
    assert lab.backend.bucket.find(layout.items(job.id, 0)) == first
    names = [item.name for item in read(lab.backend.bucket, job.id, 0, 5)]
    assert names == [f"{i}.tif" for i in range(5)]


def test_a_job_without_images_with_too_many_or_with_clashes_fails_in_words(lab, tmp_path):
    empty = lab.upload(put(tmp_path / "empty", "note.txt"))
    with pytest.raises(InputError, match="the inputs: hold no image; give TIFF"):
        listed(lab, lab.submit(empty))
    with pytest.raises(InputError, match=r"have no match for \*.csv"):
        listed(lab, lab.submit(inputs=({"upload": empty, "pattern": "*.csv"},)))
    with pytest.raises(OptionError, match="is gone; upload the files again"):
        listed(lab, lab.submit("nothing"))
    clash = lab.upload(put(tmp_path / "clash", "a.tif", "a_m.tif"))
    products = Products(maps=("m_labels",))
    job = lab.submit(clash)
    with pytest.raises(OptionError, match="would be a file of two inputs"):
        Listing(lab.backend, lab.uploads, Cache(tmp_path, 1)).list(
            job, Outputs(), products, lambda: True
        )
    few = Lab.of(lab.backend.settings.redis, tmp_path / "bucket", job_items=1)
    with pytest.raises(QuotaError, match="may have 1 images"):
        listed(few, few.submit(clash))


def test_only_what_was_named_is_taken(lab, tmp_path):
    names = ("a.tif", "b.tif", "deep/c.tif", "deep/d.tif", "z.zip", "other.zip", "p.zarr/.zgroup")
    upload = lab.upload(put(tmp_path / "in", *names, "odd.dat", "p.zarr/0/0"))

    def taken(*paths):
        job = lab.submit(inputs=({"upload": upload, "paths": list(paths)},))
        return [item.name for item in listed(lab, job)]

    assert taken("b.tif") == ["b.tif"]
    assert taken("deep", "a.tif") == ["a.tif", "deep/c.tif", "deep/d.tif"]
    assert taken("z.zip") == ["z/a/é.png", "z/img2.tif", "z/img10.tif", "z/plate.zarr"]
    assert taken("z.zip/img10.tif", "z.zip/plate.zarr") == ["z/img10.tif", "z/plate.zarr"]
    assert taken("z.zip/a") == ["z/a/é.png"]
    assert taken("p.zarr", "odd.dat") == ["odd.dat", "p.zarr"]
    with pytest.raises(InputError, match="no image at the paths that were chosen"):
        taken("c.tif")


def test_items_say_how_they_are_to_be_corrected(lab, tmp_path):
    upload = lab.upload(put(tmp_path / "in", "a.tif", "b.tif", "z.zip"))
    said = [
        {"path": "b.tif", "axes": "TYX", "pixel_size": 0.5},
        {"path": "z.zip", "pixel_size": 2.0},
        {"path": "z.zip/img2.tif", "axes": "CYX"},
    ]
    found = listed(lab, lab.submit(inputs=({"upload": upload, "corrections": said},)))
    told = {item.name: (item.axes, item.pixel_size) for item in found}
    assert told == {
        "a.tif": ("", 0.0),
        "b.tif": ("TYX", 0.5),
        "z/a/é.png": ("", 2.0),
        "z/img2.tif": ("CYX", 0.0),
        "z/img10.tif": ("", 2.0),
        "z/plate.zarr": ("", 2.0),
    }
