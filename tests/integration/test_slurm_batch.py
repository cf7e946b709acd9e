"""A batch on SLURM without any service: the script that is given away does each image once."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cytomill.pipelines import new
from tests.consumers import image
from tests.slurm_cluster import Cluster, cluster

SCRIPT = Path(__file__).resolve().parents[2] / "deploy/slurm/run.sbatch"

#: Seconds after which a test has hung.
PATIENCE = 120.0


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with cluster(2) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images, and a pipeline that takes no time."""
    for number in range(5):
        image(tmp_path / f"images/{number}.tif", seed=number, size=(64, 64))
    new.write("spots", tmp_path / "pipelines")
    return tmp_path


def sbatch(slurm: Cluster, folder: Path, *words: str, **variables: str) -> str:
    """Ask for an array of the script, and wait for its end; returns what its jobs said."""
    environment = {
        **os.environ,
        **slurm.environment,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CYTOMILL_PIPELINES": str(folder / "pipelines"),
        **variables,
    }
    asked = subprocess.run(
        ["sbatch", "--parsable", *words[:1], str(SCRIPT), *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    job = asked.stdout.strip()
    end = time.monotonic() + PATIENCE
    while slurm.run("squeue", "--noheader", f"--jobs={job}"):
        assert time.monotonic() < end
        time.sleep(0.2)
    return "".join(path.read_text() for path in folder.glob(f"cytomill-{job}_*.log"))


def test_each_image_is_done_once_and_the_same_line_again_does_nothing(
    slurm: Cluster, folder: Path
) -> None:
    words = ["--array=3-7:2", "-p", "spots", "images", "-o", "results"]
    said = sbatch(slurm, folder, *words)
    tables = sorted((folder / "results").glob("measurements*.csv"))
    assert [path.name for path in tables] == [f"measurements-{i}-of-3.csv" for i in (1, 2, 3)], said
    found = [set(column(path)) for path in tables]
    assert sum(map(len, found)) == len(set.union(*found)) == 5
    labels = {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*_labels.tif")}
    assert len(labels) == 5
    sbatch(slurm, folder, *words)
    assert {path: path.stat().st_mtime_ns for path in labels} == labels


def column(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["image"] for row in csv.DictReader(file)]


def test_what_would_leave_images_out_is_refused(slurm: Cluster, folder: Path) -> None:
    words = ["-p", "spots", "images", "-o", "results"]
    assert "leaves images out" in sbatch(slurm, folder, "--array=1,2,5", *words)
    assert "say how many jobs" in alone(slurm, folder, words)
    assert not (folder / "results").exists()


def alone(slurm: Cluster, folder: Path, words: list[str]) -> str:
    """What the script says that is asked for without an array."""
    done = subprocess.run(
        ["bash", str(SCRIPT), *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    return done.stderr


def test_without_apptainer_it_says_on_which_node(slurm: Cluster, folder: Path) -> None:
    words = ["--array=1-1", "-p", "spots", "images", "-o", "results"]
    said = sbatch(slurm, folder, *words, CYTOMILL_IMAGE="c.sif", PATH="/usr/bin:/bin")
    assert "neither apptainer nor singularity is on" in said
