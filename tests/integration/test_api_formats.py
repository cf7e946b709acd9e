"""Results in chosen formats: what a zip of them holds is what a run into them writes."""

from __future__ import annotations

import io
import tempfile
import zipfile

import numpy as np
import pytest
import tifffile

import cytomill
from cytomill.jobs import layout
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.pipelines import registry
from cytomill.pipelines.own import OwnPipelines
from cytomill.tracks.files.formats import FORMATS
from tests.kiosk import wait_for
from tests.labs import lab

FRAMES = 6


@pytest.fixture(scope="module")
def busy(tmp_path_factory, module_redis):
    """A kiosk with a consumer."""
    with lab(tmp_path_factory.mktemp("lab"), module_redis) as running:
        yield running


@pytest.fixture(scope="module")
def ann(busy):
    with busy.client() as client:
        yield client


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """A folder with a movie of labels."""
    folder = tmp_path_factory.mktemp("movie")
    scene = Scene((120, 150), diameter=20, coverage=0.2, clustering=0)
    labels = [labels for _, labels in Movie(Film(scene, frames=FRAMES, cycle=8), 4)]
    meta = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "TimeIncrement": 300.0}
    tifffile.imwrite(folder / "m.ome.tif", np.stack(labels), ome=True, metadata=meta)
    return folder


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A folder with an image of some nuclei, twice: in a file of two."""
    folder = tmp_path_factory.mktemp("picture")
    scene = Scene((120, 150), diameter=20, coverage=0.2, clustering=0)
    (pixels, _), *_ = Movie(Film(scene, frames=1), 4)
    with tifffile.TiffWriter(folder / "two.ome.tif", ome=True) as tif:
        for _ in range(2):
            tif.write(pixels, metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5})
    return folder


def job_of(ann, folder, **more):
    """A job over the files of a folder, when it has ended."""
    upload = ann.post("/uploads", json={"name": ""}).json()["id"]
    for path in folder.iterdir():
        put = ann.put(f"/uploads/{upload}/files/{path.name}", content=path.read_bytes())
        put.raise_for_status()
    answer = ann.post("/jobs", json={"inputs": [{"upload": upload}], **more})
    assert answer.status_code == 201, answer.text
    job = answer.json()["id"]
    wait_for(lambda: ann.get(f"/jobs/{job}").json()["state"] not in ("listing", "running"))
    assert ann.get(f"/jobs/{job}").json()["failed"] == 0
    return upload, job


def taken(ann, job, formats):
    """The files of a zip."""
    answer = ann.get(f"/jobs/{job}/results.zip", params={"formats": formats})
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def written(folder, out, **more):
    """The files of a run."""
    assert cytomill.run(folder, out, threads=2, **more).failed == ()
    return {
        one.relative_to(out).as_posix(): one.read_bytes()
        for one in sorted(out.rglob("*"))
        if one.is_file() and ".cytomill" not in one.parts and one.name != "manifest.json"
    }


def offered(ann, job):
    return {one["name"]: one["stored"] for one in ann.get(f"/jobs/{job}/formats").json()}


def test_a_movie_is_had_in_every_format_as_a_run_writes_it(ann, movie, tmp_path):
    _, job = job_of(ann, movie, pipeline="link", options={"files": "ctc"})
    assert offered(ann, job) == {
        "tiff": True,
        "zarr": False,
        "csv": True,
        "parquet": True,
        "geojson": False,
        "overlay": False,
        **{name: name == "ctc" for name in FORMATS},
    }
    same = {"pipeline": "link", "geojson": True, "overlay": True}
    expected = written(movie, tmp_path / "tiff", files="all", **same)
    expected |= written(movie, tmp_path / "zarr", files="all", format="zarr", **same)
    found = taken(ann, job, ",".join(offered(ann, job)))
    assert found.pop("manifest.json")
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_images_are_had_in_other_formats_than_were_stored(ann, picture, tmp_path):
    _, job = job_of(ann, picture, pipeline="nuclei", outputs={"format": "zarr"})
    assert offered(ann, job) == {
        "tiff": False,
        "zarr": True,
        "csv": True,
        "parquet": True,
        "geojson": False,
        "overlay": False,
    }
    expected = written(picture, tmp_path / "tiff", geojson=True, overlay=True)
    found = taken(ann, job, " tiff,geojson, overlay,csv,parquet ")
    found.pop("manifest.json")
    assert sorted(found) == sorted(expected)
    assert {name.split("_")[1][:2] for name in expected if "labels" in name} == {"s0", "s1"}
    different = [name for name in expected if found[name] != expected[name]]
    assert [name for name in different if not name.endswith(".tif")] == []
    for name in different:  # a file says of itself what it is called
        both = [tifffile.imread(io.BytesIO(files[name])) for files in (found, expected)]
        assert np.array_equal(*both)


def test_only_what_was_chosen_is_in_it(ann, movie):
    _, job = job_of(ann, movie, pipeline="link", options={"files": "none", "measure": False})
    assert sorted(taken(ann, job, "tiff")) == ["m_labels.tif", "manifest.json"]
    assert sorted(taken(ann, job, "csv")) == ["manifest.json", "tracks.csv"]
    lineage = taken(ann, job, "napari")["m_napari.csv"].decode().splitlines()
    assert len(lineage) > FRAMES  # without measurements cells are where their labels are
    answer = ann.get(f"/jobs/{job}/results.zip", params={"formats": "tiff,docx"})
    assert answer.status_code == 422
    assert "'docx'" in answer.json()["detail"]
    assert "trackmate" in answer.json()["detail"]
    assert ann.get(f"/jobs/{job}/results.zip", params={"formats": " ,"}).status_code == 422


def test_what_cannot_be_made_is_said_in_a_file_and_the_rest_is_there(ann, movie):
    upload, job = job_of(ann, movie, pipeline="link", options={"files": "none"})
    ann.delete(f"/uploads/{upload}").raise_for_status()
    found = taken(ann, job, "tiff,zarr,overlay,geojson,ctc,csv")
    assert "m.geojson" in found  # of what is stored alone
    assert "m_RES/res_track.txt" in found
    assert not any("zarr" in name or "overlay" in name for name in found)
    gone = "m.ome.tif: the image itself has been deleted"
    assert found["m_error.txt"].decode() == f"overlay: {gone}\nzarr: {gone}\n"


def test_damaged_results_are_said_in_words(busy, ann, movie):
    _, job = job_of(ann, movie, pipeline="link", options={"files": "none"})
    (key,) = [
        one.key
        for one in busy.backend.bucket.list(layout.results(job, 0))
        if one.key.endswith("_labels.tif")
    ]
    busy.backend.bucket.put(key, b"II*\0 no image")
    told = taken(ann, job, "geojson")["m_error.txt"].decode()
    assert told.startswith("geojson: m_labels.tif: ")
    assert str(busy.backend.bucket.path(key).parent) not in told
    busy.backend.bucket.delete([key])
    assert "is not there" in taken(ann, job, "tiff")["m_error.txt"].decode()


OWN = '''
from dataclasses import replace

import numpy as np

from cytomill.pipelines.base import Products
from cytomill.pipelines.planes import PlaneOptions, Planes


class Mapped(Planes[PlaneOptions]):
    """Labels, and a map, an array and a file besides."""

    name = "mapped"
    summary = "Labels what is bright."
    Options = PlaneOptions

    @property
    def products(self):
        return Products(maps=("seen",), arrays=("sums.npy",), files=("note.txt", "tracks.trk"))

    def label(self, pixels, models):
        return (pixels > pixels.mean()).astype(np.int64)

    def merge(self, image, partials, scratch):
        made = super().merge(image, partials, scratch)
        return replace(
            made,
            maps={"seen": image},
            arrays={"sums.npy": np.arange(3)},
            files={name: lambda path: path.write_text("told") for name in self.products.files},
        )
'''


@pytest.mark.parametrize("stored", ["tiff", "zarr"])
def test_all_that_a_pipeline_of_ones_own_gives_is_had(ann, picture, tmp_path, monkeypatch, stored):
    own = OwnPipelines(tmp_path / "own")
    monkeypatch.setattr(registry, "_own", lambda: own)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mapped.py").write_text(OWN)
    _, job = job_of(ann, picture, pipeline="mapped", outputs={"format": stored})
    told = offered(ann, job)
    assert (told["tiff"], told["zarr"]) == (stored == "tiff", stored == "zarr")
    assert (told["arrays"], told["files"]) == (True, True)
    assert "ctc" not in told
    expected = written(picture, tmp_path / "tiff", pipeline="mapped")
    expected |= written(picture, tmp_path / "zarr", pipeline="mapped", format="zarr")
    found = taken(ann, job, "tiff,zarr,csv,parquet,arrays,files")
    found.pop("manifest.json")
    assert sorted(found) == sorted(expected)
    assert {name for name in found if name.endswith((".txt", ".trk"))} == {
        f"two_s{n}_{end}" for n in (0, 1) for end in ("note.txt", "tracks.trk")
    }
    assert taken(ann, job, "files").keys() == {
        "manifest.json",
        *(f"two_s{n}_{end}" for n in (0, 1) for end in ("note.txt", "tracks.trk")),
    }
    for name in (name for name in found if name.endswith(".tif")):
        both = [tifffile.imread(io.BytesIO(files[name])) for files in (found, expected)]
        assert np.array_equal(*both), name
    pixels = [name for name in found if ".zarr/" in name and not name.endswith((".zattrs", "json"))]
    assert len(pixels) > 10
    assert [name for name in pixels if found[name] != expected[name]] == []


def test_who_goes_away_leaves_nothing_behind(ann, movie, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _, job = job_of(ann, movie, pipeline="link", options={"files": "none"})
    formats = {"formats": "geojson,overlay,zarr,trk,gif,tree"}
    with ann.stream("GET", f"/jobs/{job}/results.zip", params=formats) as answer:
        next(answer.iter_raw(100))
    wait_for(lambda: not any(tmp_path.glob("cytomill-*")))
    assert taken(ann, job, "geojson").keys() == {"m.geojson", "manifest.json"}
    wait_for(lambda: not any(tmp_path.glob("cytomill-*")))  # after the last byte
