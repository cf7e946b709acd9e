"""Every benchmark runs, small, and tells what it should; how fast it is fails no test."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from benchmarks.common import ROOT
from benchmarks.page import ANSWER, BYTES
from cytomill.kiosk.built_page import FOLDER
from cytomill.ops.synthesise import Scene, nuclei
from tests.conftest import requires

Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """What a benchmark writes when it is run with options."""

    def run(name: str, *options: object) -> dict[str, Any]:
        command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, options)]
        command += ["--results", str(tmp_path / "results"), "--scratch", str(tmp_path / "scratch")]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert "written:" in ran.stdout
        found: dict[str, Any] = json.loads((tmp_path / "results" / f"{name}.json").read_text())
        assert found["benchmark"] == name
        assert found["machine"]["cores"] >= 1
        assert all(math.isfinite(one["measured"]) for one in found["bars"])
        return found

    return run


def test_throughput_compares_command_model_and_script(measure: Measure) -> None:
    options = ("--images", 2, "--size", "320x256", "--rounds", 1, "--script-images", 1)
    found = measure("throughput", *options)
    assert found["images"] == 2
    assert found["objects"] > 10
    assert all(each["min"] > 0 for each in found["rates"].values())
    assert {"command", "inside", "bare", "script h_maxima"} <= set(found["rates"])
    assert found["stages"]["predict"]["median"] > 0
    assert found["ratios"]["bare"]["median"] == pytest.approx(
        found["rates"]["command"]["median"] / found["rates"]["bare"]["median"]
    )


def test_postprocess_scores_both_sides_on_the_same_maps(measure: Measure, tmp_path: Path) -> None:
    options = ("--images", 1, "--size", "200x160", "--rounds", 1, "--data", tmp_path)
    found = measure("postprocess", *options)
    assert set(found["seconds"]) == {"cytomill", *found["peers"]}
    assert found["scores"]["synthetic"]["cytomill"]["f1"] > 0.7
    assert found["peers"]["h_maxima, defaults"]["radius"] == 10
    suited, plain = (
        found["scores"]["synthetic"][f"h_maxima, {which}"]["f1"] for which in ("suited", "defaults")
    )
    assert suited >= plain


def test_slide_tells_memory_and_what_was_found(measure: Measure) -> None:
    found = measure("slide", "--size", 600)
    assert 0.05 < found["peak_gb"] < 4
    assert found["objects"]["found"] == pytest.approx(found["objects"]["truth"], rel=0.3)
    assert found["scores"]["f1"] > 0.7


def test_seams_compares_tiles_with_the_whole(measure: Measure) -> None:
    found = measure("seams", "--size", "600x500", "--tiles", 256, "--scales", 0.5)
    (only,) = found["runs"]
    assert only["tiled"] == only["whole"] > 10
    assert only["mean"] >= 0.999


def test_accuracy_scores_what_the_command_wrote(measure: Measure, tmp_path: Path) -> None:
    scene = Scene(shape=(256, 256), diameter=20)
    for name, plane in zip(("images", "truth"), nuclei(scene, 1), strict=True):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "a.tif", plane)
    found = measure("accuracy", "--images", tmp_path / "images", "--truth", tmp_path / "truth")
    assert found["images"] == 1
    assert found["counts"]["truth"] == len(np.unique(nuclei(scene, 1)[1])) - 1
    assert 0.5 < found["mean"]["ap"] <= 1


def test_linking_scores_linkers_on_the_same_detections(measure: Measure, tmp_path: Path) -> None:
    options = ("--data", tmp_path, "--size", "260x240", "--frames", 8, "--rounds", 1)
    found = measure("linking", *options, "--linkers", "cytomill", "nearest")
    assert set(found["versions"]) == {"cytomill", "nearest"}
    (each,) = found["movies"].values()
    for linker in ("cytomill", "nearest"):
        assert 0.9 < each[linker]["lnk"] <= 1
        assert each[linker]["tra"] >= 0.9
        assert each[linker]["cpu"]["min"] > 0
    assert each["nearest"]["setting"]["reach"] > 0


def test_linking_leaves_out_what_is_not_installed(measure: Measure, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.write_text("#!/bin/sh\necho 'no such module' >&2; exit 1\n", "utf-8")
    bare.chmod(0o755)
    options = ("--data", tmp_path, "--size", "200x200", "--frames", 3, "--rounds", 1)
    options += ("--linkers", "cytomill", "btrack", "--python", f"btrack={bare}")
    found = measure("linking", *options)
    assert set(found["versions"]) == {"cytomill"}
    assert not found["bars"]


def test_following_scores_what_the_commands_write(measure: Measure, tmp_path: Path) -> None:
    made = tmp_path / "made"
    sample = [sys.executable, "-m", "cytomill", "sample", "-q", "-o", str(made), "--kind", "movie"]
    subprocess.run([*sample, "--frames", "6", "--size", "240x200"], check=True)
    shutil.copytree(made / "01_GT" / "TRA", made / "01_ST" / "SEG")
    for name in ("ctc_Fluo-N2DL-HeLa_seq01", "ctc_Fluo-N2DH-SIM+_seq01"):
        shutil.copytree(made, tmp_path / "data" / name)
    found = measure("following", "--data", tmp_path / "data")
    assert len(found["cases"]) == 8
    assert found["cases"]["HeLa, the truth's markers"]["lnk"] > 0.95
    assert all(case["det"] > 0.5 for case in found["cases"].values())


def test_linking_scale_tells_time_and_memory(measure: Measure) -> None:
    options = ("--cells", 200, "--frames", 4, "--sizes", 50, 200, "--short", 3, "--rounds", 1)
    found = measure("linking_scale", *options, "--track-cells", 60, "--track-frames", 3)
    assert found["detections"] == pytest.approx(4 * 200, rel=0.1)
    assert 200 <= found["tracks"] < 300
    assert set(found["sizes"]) == {"50", "200"}
    assert 0.02 < found["peak_gb"] < 1
    assert found["track"]["seconds"]["min"] > 0


def test_serving_compares_with_the_bare_model(measure: Measure) -> None:
    options = ("--peers", "--rounds", 1, "--seconds", 1, "--sizes", 64, "--callers", 2)
    found = measure("serving", *options)["sizes"]["64"]
    assert set(found["rates"]) == {"cytomill", "bare"}
    assert found["rates"]["cytomill"]["min"] > 0
    assert found["p95"]["cytomill"]["min"] > 0


def test_wire_counts_bytes_and_times_tensors(measure: Measure) -> None:
    found = measure("wire", "--images", 1, "--size", "320x256", "--rounds", 1)
    assert found["megabytes"]["sent"]["median"] == pytest.approx(320 * 256 * 2 / 1e6, rel=0.05)
    assert all(each["min"] > 0 for each in found["milliseconds"].values())


def test_soak_looks_at_the_memory_of_a_server(measure: Measure) -> None:
    found = measure("soak", "--requests", 300, "--cycles", 1)
    assert len(found["looks"]) >= 2
    assert all(look["bytes"] > 10e6 for look in found["looks"])


def test_queue_hands_out_and_loses_nothing(measure: Measure) -> None:
    options = ("--peers", "--rounds", 1, "--tasks", 100, "--large", 200_000, "--faulty", 60)
    found = measure("queue", *options)
    assert found["rates"]["cytomill"]["min"] > 0
    assert found["large"]["bytes"] < 100
    died = found["faults"]["cytomill"]
    assert (died["lost"], died["stored twice"]) == (0, 0)


def test_kiosk_compares_submitting_with_running(measure: Measure) -> None:
    options = ("--images", 2, "--size", "320x256", "--rounds", 1, "--ways", 1)
    found = measure("kiosk", *options)
    assert set(found["rates"]) == {"run", "kiosk"}
    assert found["objects"]["run"] == found["objects"]["kiosk"]
    assert found["phases"]["kiosk"]["work"]["median"] > 0


def test_api_load_counts_answers_and_streams(measure: Measure) -> None:
    found = measure("api_load", "--streams", 20, "--rate", 20, "--seconds", 2)
    assert found["streams"] == 20
    assert found["events"] > 0
    assert found["requests"] == 40
    assert not any(code.startswith("5") for code in found["answers"])


def test_autoscaling_compares_policies(measure: Measure) -> None:
    options = ("--jobs", 20, "--seeds", 1, "--gpus", 4, "--steady", 900)
    found = measure("autoscaling", *options)
    assert found["images"] == 2000
    each = found["runs"]["4"]
    assert set(each) == {"paper", "throughput", "deadline", "budget", "poor"}
    assert all(one["done"]["median"] == 2000 for one in each.values())
    assert all(one["hours"]["median"] > found["least_hours"] for one in each.values())
    assert found["timeline"]["paper"][-1]["queue"] == 0


def test_page_times_the_first_look_and_a_large_job(measure: Measure, built_page: Path) -> None:
    if built_page != FOLDER:
        pytest.skip("benchmarks take the page of the package")
    requires("chromium")
    found = measure("page", "--rounds", 1, "--images", 20_000)
    assert found["first"]["usable"]["min"] >= found["first"]["painted"]["min"] > 0
    assert found["first"]["bytes"]["max"] <= BYTES
    assert found["large"]["passed"] > 500
    assert found["large"]["answer"] <= ANSWER
    assert found["large"]["nodes"] < 5000


def test_startup_times_help_and_import(measure: Measure) -> None:
    found = measure("startup", "--rounds", 1)
    assert set(found["seconds"]) == {"help", "import", "python"}


def test_the_report_fills_the_page_and_draws(measure: Measure, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="scripts/install bench installs matplotlib")
    measure("startup", "--rounds", 1)
    page, picture = tmp_path / "page.md", tmp_path / "picture.svg"
    page.write_text((ROOT / "docs" / "benchmarks.md").read_text("utf-8"), "utf-8")
    command = [sys.executable, "-m", "benchmarks.report", "--results", tmp_path / "results"]
    command += ["--page", page, "--picture", picture]
    subprocess.run([str(word) for word in command], cwd=ROOT, check=True)
    assert "bare Python" in page.read_text("utf-8")
