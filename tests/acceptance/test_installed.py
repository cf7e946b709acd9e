"""The program as others install it: read-only, on shared disks, with pipelines of their own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import cytomill as package


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A copy of the package in a folder of its own, without compiled functions."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(
        Path(package.__file__).parent,
        folder / "cytomill",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


def environment(installed: Path, home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(installed), "HOME": str(home), **more}


def test_a_read_only_program_without_a_home_runs(program, bounded, installed, images, tmp_path):
    read_only = tmp_path / "program"
    shutil.copytree(installed, read_only)
    for path in (read_only, *read_only.rglob("*")):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir(mode=0o555)
    temporary.mkdir()
    env = environment(read_only, home, TMPDIR=str(temporary))
    command = ("run", images / "a.tif", "-o", tmp_path / "out", "--no-measure")
    done = program(*command, prefix=bounded, env=env, cwd=tmp_path)
    assert done.code == 0, done.err
    (cache,) = temporary.iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert list(cache.rglob("*.nbi"))


def test_two_first_runs_at_once_share_a_cache(start, installed, images, tmp_path):
    env = environment(installed, tmp_path)
    runs = [
        start("run", images, "-o", tmp_path / f"{number}", "--no-measure", env=env, cwd=tmp_path)
        for number in range(2)
    ]
    for process in runs:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert "Traceback" not in err
    for path in (tmp_path / "0").rglob("*_labels.tif"):
        twin = tmp_path / "1" / path.relative_to(tmp_path / "0")
        assert np.array_equal(tifffile.imread(path), tifffile.imread(twin))


PLUGIN = """
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from cytomill.ops.grid import Box
from cytomill.pipelines.base import Options, Part, Partial, Pipeline, Result
from cytomill.pipelines.canvas import Canvas


class BrightOptions(Options):
    level: float = Field(0.5, description="Where bright begins, 0 to 1.")
    shape: Literal["round", "any"] = Field("any", description="What is kept.")
    strict: bool = Field(False, description="Be strict.")
    tags: list[str] = Field(default_factory=list, description="Words.")
    must: int = Field(description="Has to be given.")


class Bright(Pipeline[BrightOptions]):
    name: ClassVar[str] = "bright"
    summary: ClassVar[str] = "Everything that is bright is one object."
    models: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type[Options]] = BrightOptions

    def split(self, image):
        return [Part(i, t, z, Box(0, 0, *image.shape[3:])) for i, (t, z) in enumerate(image.planes)]

    def process(self, image, part, models):
        pixels = image.read(part.t, 0, part.z)
        labels = (pixels > self.options.level * pixels.max()).astype(np.int32)
        return Partial(part.index, part.t, part.z, part.core, labels, int(labels.max()))

    def merge(self, image, partials, scratch):
        t, _, z, y, x = image.shape
        canvas = Canvas((t, z, y, x), scratch)
        for p in partials:
            canvas.paste(p.t, p.z, p.box, p.labels, p.count)
        return Result(canvas.finish(), canvas.count, None, 0, image.pixel_size, {})
"""


@pytest.fixture
def plugins(tmp_path) -> dict[str, str]:
    """The environment in which packages with pipelines, one of them broken, are installed."""
    site = tmp_path / "site"
    for name, source, point in (
        ("bright", PLUGIN, "bright = bright:Bright"),
        ("broken", "import nothing_of_this_name", "broken = broken:Broken"),
    ):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[cytomill.pipelines]\n{point}\n")
    return {**os.environ, "PYTHONPATH": str(site)}


def test_a_pipeline_of_another_package_is_in_every_command(program, plugins, images, tmp_path):
    listed = program("pipelines", "list", env=plugins)
    assert "bright  Everything that is bright is one object." in listed.out
    assert "nuclei  " in listed.out
    assert "pipeline 'broken' of package broken cannot be loaded" in listed.out
    shown = program("pipelines", "show", "bright", env=plugins)
    assert "level (default 0.5): Where bright begins" in shown.out
    assert "must (required): Has to be given." in shown.out
    helped = program("run", "-p", "bright", "--help", env=plugins)
    for flag in ("--level FLOAT", "--shape [round|any]", "--strict / --no-strict", "--must INT"):
        assert flag in helped.out
    assert "Undefined" not in helped.out
    assert "--channel" not in helped.out
    given = ("run", images, "-o", tmp_path / "out", "-qp", "bright")
    assert "must=None" not in program(*given, env=plugins).err
    assert program(*given, "--must", 3, "--level", "0.2", env=plugins).code == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["pipeline"] == "bright"
    assert (manifest["options"]["level"], manifest["options"]["must"]) == (0.2, 3)
    assert [record["objects"] for record in manifest["inputs"]] == [1, 1, 1]


def test_a_required_option_that_is_missing_is_told(program, plugins, images, tmp_path):
    done = program("run", images, "-o", tmp_path / "out", "-p", "bright", env=plugins)
    assert done.code == 2
    assert "bright: option must: field required" in done.err


def test_a_pipeline_that_cannot_be_loaded_is_told(program, plugins, images, tmp_path):
    done = program("run", images, "-o", tmp_path / "out", "-p", "broken", env=plugins)
    assert done.code == 2
    assert "cannot be loaded (ModuleNotFoundError: No module named 'nothing_of_this" in done.err
    assert len(done.err.splitlines()) == 1


def test_segment_takes_a_pipeline_that_measures_nothing(plugins):
    code = (
        "import cytomill, numpy as np;"
        "print(cytomill.segment(np.eye(9), pipeline='bright', must=1).sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=plugins, timeout=60
    )
    assert (done.stdout, done.stderr) == ("9\n", "")


def test_a_setting_that_is_none_is_told(program, images, tmp_path):
    env = {**os.environ, "CYTOMILL_TYLE": "512"}
    done = program("run", images, "-o", tmp_path / "out", env=env)
    assert done.code == 2
    assert "CYTOMILL_TYLE: no such setting" in done.err
