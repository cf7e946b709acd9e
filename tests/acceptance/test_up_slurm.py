"""A kiosk on a real SLURM cluster, as it is typed: it grows, shrinks and loses nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import tifffile

from cytomill.errors import OptionError
from cytomill.kiosk import redis_server, tied
from tests.conftest import missing
from tests.slurm_cluster import Cluster, cluster

#: Seconds after which a test has hung.
PATIENCE = 150.0

#: Takes a moment for each image, so that a job lasts long enough for things to happen to it.
PIPELINE = '''\
"""Bright: what is bright."""

import time

import numpy as np

from cytomill.pipelines.planes import PlaneOptions, Planes


class Bright(Planes[PlaneOptions]):
    """What is bright is one object."""

    name = "bright"
    summary = "Labels what is bright."
    Options = PlaneOptions

    def label(self, pixels, models):
        """1 is what is bright."""
        time.sleep(0.02)
        return (pixels > 100).astype(np.int32)
'''


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    try:
        redis_server.find()
    except OptionError as error:
        missing(str(error))
    with cluster() as made:
        yield made


@dataclass
class Kiosk:
    """A kiosk on a cluster, with its data in ``data``."""

    data: Path
    slurm: Cluster
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    @property
    def variables(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CYTOMILL_")}
        own = {name: str(self.data.parent / name) for name in ("models", "pipelines")}
        told = {f"CYTOMILL_{name.upper()}": folder for name, folder in own.items()}
        return {**inherited, **self.slurm.environment, **told, "PYTHONUNBUFFERED": "1"}

    def start(self, *options: object) -> None:
        words = ["up", "slurm", "--data", self.data, "--address", "127.0.0.1", *options]
        command = [sys.executable, "-m", "cytomill", *map(str, words)]
        self.lines.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.variables,
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        self.until(lambda: "ready" in self.lines or not self.alive())
        assert "ready" in self.lines, self.lines

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as said:
            self.lines.extend(line.rstrip("\n") for line in said)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.lines

    def down(self) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "cytomill", "down", "slurm", "--data", str(self.data)]
        return subprocess.run(
            words, env=self.variables, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def end(self) -> None:
        """However it is, leave nothing of it."""
        if self.alive():
            assert self.process is not None
            self.process.kill()
            self.process.wait()

    def http(self) -> httpx.Client:
        (line,) = [line for line in self.lines if line.startswith("kiosk")]
        token = (self.data / "token").read_text().strip()
        sign_in = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{line.split()[1]}/api/v1", headers=sign_in, timeout=60)

    def submit(self, count: int) -> str:
        pixels = np.zeros((16, 16), np.uint8)
        pixels[4:8, 4:8] = 200
        one, archive = io.BytesIO(), io.BytesIO()
        tifffile.imwrite(one, pixels)
        with zipfile.ZipFile(archive, "w") as images:
            for number in range(count):
                images.writestr(f"{number:05d}.tif", one.getvalue())
        with self.http() as http:
            upload = http.post("/uploads", json={"name": "tiny"}).json()["id"]
            put = http.put(f"/uploads/{upload}/files/a.zip", content=archive.getvalue())
            put.raise_for_status()
            job = {"pipeline": "bright", "inputs": [{"upload": upload}]}
            return str(http.post("/jobs", json=job).json()["id"])

    def job(self, job: str) -> dict[str, Any]:
        with self.http() as http:
            found: dict[str, Any] = http.get(f"/jobs/{job}").json()
            return found

    def pool(self) -> dict[str, Any]:
        """What operators see of its consumers."""
        with self.http() as http:
            (found,) = http.get("/admin/scaling").json()["pools"]
        return dict(found)

    def jobs(self, *states: str) -> list[str]:
        """Ids of its workers' jobs."""
        name = json.loads((self.data / "slurm/jobs.json").read_text())["installation"]
        words = ["squeue", "--array", "--noheader", "--format=%i", f"--name=cytomill-{name}"]
        return self.slurm.run(*words, f"--states={','.join(states or ('PD', 'R'))}").split()

    def until(self, true: Callable[[], object], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.lines[-20:]
            time.sleep(0.1)


@pytest.fixture
def kiosks(tmp_path: Path, slurm: Cluster) -> Iterator[Callable[..., Kiosk]]:
    """Starts kiosks, each in a folder of its own; a test ends with none, and no jobs."""
    (tmp_path / "models").mkdir()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/bright.py").write_text(PIPELINE)
    with ExitStack() as stack:

        def start(name: str, *options: object) -> Kiosk:
            made = Kiosk(tmp_path / name, slurm)
            stack.callback(made.end)
            made.start(*options)
            return made

        yield start
    slurm.cancel_all()


def test_0_to_n_to_0_whatever_happens_to_the_workers(
    kiosks: Callable[..., Kiosk], slurm: Cluster
) -> None:
    images = 1500
    kiosk = kiosks("kiosk", "--max-consumers", 3, "--threads", 4, "--time", 30)
    assert kiosk.jobs() == []
    job = kiosk.submit(images)
    kiosk.until(lambda: len(kiosk.jobs("R")) == 3)
    kiosk.until(lambda: kiosk.job(job)["done"] > 50)

    # One is cancelled, one loses its node, and one is at its time limit.
    cancelled, lost, ended = kiosk.jobs("R")
    slurm.run("scancel", cancelled)
    node = slurm.node_of(lost)
    slurm.kill_node(node)
    slurm.run("scontrol", "update", f"JobId={ended}", "TimeLimit=0:01")
    try:
        told = [f"job {cancelled} .*cancelled by somebody", f"job {lost} .*lost its node"]
        kiosk.until(lambda: all(re.search(one, "\n".join(kiosk.lines)) for one in told))
        kiosk.until(lambda: kiosk.job(job)["state"] == "done")
    finally:
        slurm.start_node(node)
    found = kiosk.job(job)
    assert (found["items"], found["done"], found["failed"]) == (images, images, 0)
    assert found["objects"] == images
    rows = _rows(kiosk, job)
    assert len(rows) == len(set(rows)) == images

    kiosk.until(lambda: not kiosk.jobs())
    kiosk.until(lambda: kiosk.pool()["ready"] == 0)
    assert (kiosk.pool()["wanted"], kiosk.pool()["asked"]) == (0, 0)
    assert not any("Traceback" in log.read_text() for log in kiosk.data.rglob("*.log"))
    kiosk.stop()
    slurm.cancel_all()
    slurm.wait_for_nodes()


def _rows(kiosk: Kiosk, job: str) -> list[str]:
    """The images of the table of measurements, a row for each that has one object."""
    with kiosk.http() as http:
        table = http.get(f"/jobs/{job}/report/measurements.csv")
        table.raise_for_status()
    return [row["image"] for row in csv.DictReader(io.StringIO(table.text))]


def test_two_kiosks_of_one_user_and_one_that_is_killed(
    kiosks: Callable[..., Kiosk], slurm: Cluster
) -> None:
    ours = kiosks("ours", "--max-consumers", 2, "--threads", 2)
    theirs = kiosks("theirs", "--max-consumers", 1, "--threads", 2)
    job, other = ours.submit(1000), theirs.submit(700)
    ours.until(lambda: len(ours.jobs("R")) == 2 and len(theirs.jobs("R")) == 1)
    before = ours.jobs()

    # No secret is where others could see it.
    environment = ours.data / "slurm/environment"
    password = re.search(r"redis://:(.+)@", environment.read_text())
    assert password is not None
    for path in ours.data.glob("slurm/*"):
        if path.is_file() and password[1] in path.read_text():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for process in psutil.process_iter(["cmdline"]):
        assert password[1] not in " ".join(process.info["cmdline"] or ())
    script = slurm.run("scontrol", "write", "batch_script", before[0].split("_")[0], "-")
    assert str(environment) in script
    assert password[1] not in script

    # Killed and started again it has the same workers, which never knew.
    assert ours.process is not None
    ours.process.kill()
    ours.process.wait()
    assert ours.jobs() == before
    ours.start("--max-consumers", 2, "--threads", 2)
    assert set(before) & set(ours.jobs())
    ours.until(lambda: ours.job(job)["state"] == "done")
    assert ours.job(job)["done"] == 1000

    # Killed for good, what it left is ended, and nothing of the other.
    ours.process.send_signal(signal.SIGKILL)
    ours.process.wait()
    left = theirs.jobs()
    done = ours.down()
    assert done.returncode == 0, done.stderr
    assert ours.jobs() == []
    assert left == [] or set(left) & set(theirs.jobs("R", "CG", "CD"))
    theirs.until(lambda: theirs.job(other)["state"] == "done")
    done = theirs.down()
    assert done.stdout.splitlines()[-1] == "stopped", done.stderr
    assert not theirs.alive()
    assert theirs.jobs() == []


def test_in_a_job_of_its_own_it_says_where_it_is(tmp_path: Path, slurm: Cluster) -> None:
    kiosk = Kiosk(tmp_path / "kiosk", slurm)
    try:
        kiosk.start("--own-job", "--own-time", "30", "--max-consumers", 1, "--time", "10:00")
        kiosk.until(lambda: not kiosk.alive())
        (job,) = [line.split()[1] for line in kiosk.lines if line.startswith("job")]
        assert (
            slurm.run("squeue", "--noheader", f"--jobs={job}", "--format=%T").strip() == "RUNNING"
        )
        with kiosk.http() as http:
            assert http.get("/health/ready").status_code == 200
        again = subprocess.run(
            [*_up(kiosk), "--own-job"], env=kiosk.variables, capture_output=True, text=True
        )
        assert again.returncode == 2
        assert "has a kiosk already" in again.stderr
        done = kiosk.down()
        assert done.returncode == 0, done.stderr
        assert f"job {job} on" in done.stdout
        kiosk.until(lambda: job not in slurm.jobs("RUNNING"))
    finally:
        slurm.cancel_all()


def _up(kiosk: Kiosk) -> list[str]:
    words = ["up", "slurm", "--data", str(kiosk.data), "--address", "127.0.0.1"]
    return [sys.executable, "-m", "cytomill", *words]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--partition", "nope"], "no such partition"),
        (["--account", "not-mine"], "account"),
        (["--gres", "gpu:1"], "--gres"),
        (["--threads", "64"], "no node is as large"),
        (["--time", "4h"], "--time 4h"),
        (["--extra", "--array=1-9"], "--array is Cytomill's own"),
        (["--policy", "deadline"], "--within"),
        (["--policy", "budget", "--budget", "3"], "CYTOMILL_PRICE"),
        (["--image", "none.sif"], "no such file"),
        (["--image", "a.sif", "--environment"], "one of the two"),
        (["--own-time", "10"], "--own-job"),
        (["--model-server-partition", "main"], "--max-model-servers"),
        (["--own-job", "--partition", "nope"], "no such partition"),
    ],
)
def test_what_cannot_be_is_told_before_anything_runs(
    tmp_path: Path, slurm: Cluster, options: list[str], told: str
) -> None:
    kiosk = Kiosk(tmp_path / "kiosk", slurm)
    done = subprocess.run(
        [*_up(kiosk), *options],
        env=kiosk.variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.splitlines()[-1:]
    assert line.startswith("cytomill: ")
    assert told in line
    assert not slurm.jobs()


def test_where_there_is_no_slurm_it_says_so(tmp_path: Path, slurm: Cluster) -> None:
    if Path("/etc/slurm/slurm.conf").exists():
        pytest.skip("this machine is one of a cluster")
    kiosk = Kiosk(tmp_path / "kiosk", slurm)
    elsewhere = {k: v for k, v in kiosk.variables.items() if k != "SLURM_CONF"}
    for variables, told in (
        ({**kiosk.variables, "PATH": "/nowhere"}, "sbatch is not on this machine"),
        (elsewhere, "not set up on this machine"),
    ):
        done = subprocess.run(
            _up(kiosk), env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 2
        assert told in done.stderr
        assert "login node" in done.stderr


def test_a_folder_without_a_kiosk_cannot_be_taken_down(tmp_path: Path, slurm: Cluster) -> None:
    done = Kiosk(tmp_path / "none", slurm).down()
    assert done.returncode == 1
    assert "is not the folder of a kiosk on SLURM" in done.stderr
