"""Movies whose frames are files: what a run and a kiosk make of them."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cytomill.image.formats import open_images
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines import registry
from cytomill.pipelines.own import OwnPipelines
from cytomill.settings import settings
from tests import redis_server as redis_servers
from tests.kiosk import Kiosk
from tests.labs import lab

#: A pipeline of movies of which every frame but a lost one is thresholded.
FILM = '''
from cytomill.image.core import Image
from cytomill.pipelines.base import Part, Partial
from cytomill.pipelines.planes import PlaneOptions, Planes


class Film(Planes[PlaneOptions]):
    """Label what is bright."""

    name = "film"
    summary = "Labels what is bright in each frame."
    Options = PlaneOptions
    movies = True

    def label(self, pixels, models):
        return pixels > 128

    def lost(self, image: Image, part: Part, reason: str) -> Partial:
        return Partial(part.index, part.t, part.z, part.core, None, 0)
'''


@pytest.fixture(scope="module", autouse=True)
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "film.py").write_text(FILM)
    own = OwnPipelines(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_own", lambda: own)
        yield


@pytest.fixture(scope="module")
def server(
    film: None, redis_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kiosk]:
    redis_servers.clear(redis_server.url)
    with lab(tmp_path_factory.mktemp("kiosk"), redis_server.url) as found:
        yield found


@pytest.fixture
def data(tmp_path: Path, server: Kiosk, monkeypatch: pytest.MonkeyPatch, request: Any) -> Path:
    """A folder of two movies and an image; frame 3 of a movie is missing and 5 damaged."""
    token = server.token_of(re.sub(r"\W", "-", request.node.name)[:40])
    own = replace(settings, server=server.url, token=token)
    monkeypatch.setattr("cytomill.client.server.settings", own)
    monkeypatch.setattr("cytomill.client.server.TOKEN_FILE", tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    for movie in ("01", "02"):
        (folder / movie).mkdir(parents=True)
        for t in range(12):
            pixels, _ = nuclei(Scene(shape=(48, 64)), seed=t)
            tifffile.imwrite(folder / movie / f"t{t}.tif", (pixels // 256).astype(np.uint8))
    (folder / "01/t3.tif").unlink()
    (folder / "01/t5.tif").write_bytes(b"II*\0")
    shutil.copy(folder / "02/t0.tif", folder / "cells.tif")
    return folder


def outcome(folder: str) -> dict[str, Any]:
    """Names, objects and files of the results."""
    told = json.loads(Path(folder, "manifest.json").read_text())
    return {
        one["input"]: (one["status"], one["objects"], one["outputs"], one["sha256"])
        for one in told["inputs"]
    }


WAYS = {
    "a folder": ["data"],
    "a movie": ["data/01"],
    "a glob": ["data/0*/t*.tif"],
    "files": [f"data/{movie}/t{t}.tif" for movie in ("02", "01") for t in (1, 10, 11, 2, 5)],
    "a zip": ["data.zip"],
}


@pytest.mark.parametrize("inputs", WAYS.values(), ids=WAYS.keys())
def test_a_kiosk_makes_of_frames_what_a_run_makes(
    data: Path, cytomill: Callable[..., Any], inputs: list[str]
) -> None:
    if inputs == ["data.zip"]:
        with zipfile.ZipFile("data.zip", "w") as archive:
            for path in sorted(data.rglob("*.tif")):
                archive.write(path, path.relative_to(data))
    here = cytomill("run", *inputs, "-p", "film", "--no-measure", "-o", "here", "-q")
    assert (here.code, here.err) == (0, "")
    there = cytomill("submit", *inputs, "-p", "film", "--no-measure", "-o", "there", "-q")
    assert there.code == 0
    assert outcome("there") == outcome("here")
    for path in Path("here").rglob("*_labels.tif"):
        other = tifffile.imread(Path("there") / path.relative_to("here"))
        np.testing.assert_array_equal(tifffile.imread(path), other)


def test_lost_frames_are_written_as_black(data: Path, cytomill: Callable[..., Any]) -> None:
    words = [
        "run",
        "data/01",
        "-p",
        "film",
        "--no-measure",
        "-o",
        "out",
        "-q",
        "--format",
        "zarr",
        "--overlay",
    ]
    assert cytomill(*words).code == 0
    assert list(outcome("out")) == ["01"]
    with open_images(Path("out/01.ome.zarr")) as file:
        (image,) = file.images
        assert (image.axes, image.shape) == ("TYX", (12, 1, 1, 48, 64))
        black = [t for t in range(12) if not image.read(t).any()]
    assert black == [3, 5]


def test_tracks_of_frames_are_those_of_a_run(data: Path, cytomill: Callable[..., Any]) -> None:
    here = cytomill("run", "data/01", "-p", "track", "-o", "here")
    there = cytomill("submit", "data/01", "-p", "track", "-o", "there")
    lost = "note: 01: frames 3, 5 (from 0) could not be analysed"
    for done, out in ((here, "here"), (there, "there")):
        assert done.code == 0
        assert lost in done.out + done.err
        assert len(list(Path(out, "01_RES").glob("mask*.tif"))) == 12
    assert outcome("there") == outcome("here")
    for name in ("01_RES/res_track.txt", "01_lineage.json", "tracks.csv", "measurements.csv"):
        assert Path("there", name).read_bytes() == Path("here", name).read_bytes(), name
