"""Whole runs whose model is on a server."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile

import cytomill
from cytomill.errors import UnreachableError
from cytomill.image.array import from_array
from cytomill.inference import channel
from cytomill.inference.channel import Channel
from cytomill.inference.load import models
from cytomill.inference.pixels import INPUTS, OUTPUTS
from cytomill.inference.remote import Remote
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines import nuclei as nuclei_module
from cytomill.pipelines.nuclei import Nuclei, NucleiOptions
from cytomill.settings import Settings
from cytomill.testing import PipelineTests, RuntimeTests
from tests import zoo
from tests.model_server import PATIENCE, serving, start

FRAME, _ = nuclei(Scene((1080, 1280), coverage=0.25), seed=3)
FRAME = FRAME.astype(np.uint16)


@pytest.fixture(scope="module")
def url(package, tmp_path_factory):
    errors = tmp_path_factory.mktemp("errors") / "errors.txt"
    options = ("--device", "cpu", "--threads", 2)
    with serving(package.parent, *options, errors=errors) as server:
        yield f"grpc://{server.grpc}"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return zoo.probability(tmp_path_factory.mktemp("package") / "bright")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Six small images, each another."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(6):
        y, x = 150 * number, 120 * number
        tifffile.imwrite(folder / f"{number}.tif", FRAME[y : y + 300, x : x + 320])
    return folder


class TestNetwork(RuntimeTests):
    @pytest.fixture
    def runtime(self, url):
        return Remote(Channel(url), "nuclei")


class TestView(RuntimeTests):
    @pytest.fixture
    def runtime(self, url):
        return Remote(Channel(url), "nuclei.pixels", inputs=INPUTS, outputs=OUTPUTS)


class TestNuclei(PipelineTests):
    @pytest.fixture
    def pipeline(self):
        return Nuclei(NucleiOptions())

    @pytest.fixture
    def models(self, url):
        return models(server=url)


@contextmanager
def listening(port, folder):
    """A server on ``port``, which may be killed."""
    words = ["model-server", "--grpc-port", port, "--http-port", 0, "--metrics-port", 0]
    words += ["--device", "cpu", "--threads", 1, "--load", "nuclei"]
    with start(*words, errors=folder / "errors.txt") as server:
        end = time.monotonic() + PATIENCE
        while "ready" not in server.lines:
            assert server.alive(), server.errors.read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield server


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def results(folder):
    """Labels by file, and the table."""
    labels = {path.name: tifffile.imread(path) for path in folder.glob("*_labels.tif")}
    return labels, (folder / "measurements.csv").read_text()


def assert_same(one, other):
    (labels, table), (others, another) = results(one), results(other)
    assert table == another
    assert labels.keys() == others.keys()
    assert all(np.array_equal(labels[name], others[name]) for name in labels)


@pytest.mark.parametrize("options", [{}, {"pixel_size": 0.3}, {"pixel_size": 1.6}])
def test_a_run_gives_the_same_over_the_wire(images, url, tmp_path, options):
    cytomill.run(images, tmp_path / "here", device="cpu", **options)
    report = cytomill.run(images, tmp_path / "there", model_server=url, **options)
    assert report.objects > 100
    assert_same(tmp_path / "here", tmp_path / "there")
    again = cytomill.run(images, tmp_path / "there", device="cpu", **options)
    assert len(again.skipped) == 6


def test_a_package_gives_the_same_over_the_wire(images, package, url, tmp_path):
    for name, where in {"here": {"device": "cpu"}, "there": {"model_server": url}}.items():
        report = cytomill.run(images, tmp_path / name, model=str(package), **where)
        assert not report.failed
    assert report.wire_bytes["sent"] > 0
    assert_same(tmp_path / "here", tmp_path / "there")
    for path in (tmp_path / "here").glob("*_probability.tif"):
        there = tifffile.imread(tmp_path / "there" / path.name)
        assert np.array_equal(tifffile.imread(path), there)


def test_a_camera_frame_takes_less_than_6_mb(url, tmp_path):
    tifffile.imwrite(tmp_path / "frame.tif", FRAME)
    words = ["run", tmp_path / "frame.tif", "-o", tmp_path / "out", "--model-server", url]
    words = [sys.executable, "-m", "cytomill", *words, "--json", "-q"]
    told = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
    (record,) = json.loads((tmp_path / "out/manifest.json").read_text())["inputs"]
    assert told["wire_bytes"] == record["wire_bytes"]
    assert FRAME.nbytes < record["wire_bytes"]["sent"] < FRAME.nbytes + 1000
    assert sum(record["wire_bytes"].values()) <= 6e6


def test_segment_gives_the_same_over_the_wire(url):
    plane = FRAME[:200, :300]
    assert np.array_equal(cytomill.segment(plane, model_server=url), cytomill.segment(plane))


def test_the_manifest_says_what_ran_where(images, url, tmp_path):
    cytomill.run(images / "0.tif", tmp_path, model_server=url)
    (ran,) = json.loads((tmp_path / "manifest.json").read_text())["models"]["nuclei"]["ran"]
    weights, _, device = ran.partition(" on ")
    assert weights in ("nuclei.onnx", "nuclei_int8.onnx")
    assert device.startswith("cpu (OpenVINO")
    assert device.endswith(f" at {url}")


def test_a_server_that_is_killed_and_started_again_costs_nothing(images, tmp_path, capfd):
    """Neither an image nor a word of the libraries."""
    port = free_port()
    finished, killed = threading.Event(), threading.Event()

    def progress(record, done, total):
        finished.set()
        killed.wait(PATIENCE)

    outcome = []

    def work():
        outcome.append(
            cytomill.run(
                images,
                tmp_path / "out",
                model_server=f"grpc://127.0.0.1:{port}",
                threads=2,
                progress=progress,
            )
        )

    with listening(port, tmp_path) as server:
        run = threading.Thread(target=work)
        run.start()
        assert finished.wait(PATIENCE)
        server.stop(signal.SIGKILL)
    killed.set()
    with listening(port, tmp_path):
        run.join(PATIENCE)
    (report,) = outcome
    assert capfd.readouterr().err == ""
    assert (report.done, report.failed) == (6, ())
    cytomill.run(images, tmp_path / "here", device="cpu")
    assert_same(tmp_path / "here", tmp_path / "out")


def test_a_server_that_stays_away_ends_the_run_and_keeps_what_is_done(
    images, tmp_path, monkeypatch
):
    monkeypatch.setattr(channel, "settings", Settings(retry_seconds=1))
    port = free_port()
    with listening(port, tmp_path) as server:

        def progress(record, done, total):
            if done == 2:
                server.stop(signal.SIGKILL)

        url = f"grpc://127.0.0.1:{port}"
        with pytest.raises(UnreachableError, match=f"^{url}: does not answer; start it with"):
            cytomill.run(images, tmp_path / "out", model_server=url, threads=1, progress=progress)
    statuses = [
        one["status"] for one in json.loads((tmp_path / "out/manifest.json").read_text())["inputs"]
    ]
    assert statuses.count("done") in (2, 3, 4)
    assert set(statuses) == {"done", "pending"}
    report = cytomill.run(images, tmp_path / "out", device="cpu")
    assert (report.done, len(report.skipped)) == (6, statuses.count("done"))


def test_a_server_that_is_not_there_is_one_line(images, tmp_path):
    words = [
        "run",
        images,
        "-o",
        tmp_path / "out",
        "--model-server",
        f"grpc://127.0.0.1:{free_port()}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "cytomill", *words], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "does not answer; start it with `cytomill model-server` or leave out" in line


def test_tiles_of_a_large_plane_count_for_its_image(url, tmp_path, monkeypatch):
    monkeypatch.setattr(nuclei_module, "settings", Settings(tile=256, whole=100 * 100))
    plane = FRAME[:600, :700]
    assert len(Nuclei(NucleiOptions()).split(from_array(plane))) > 4
    tifffile.imwrite(tmp_path / "large.tif", plane)
    report = cytomill.run(tmp_path / "large.tif", tmp_path / "out", model_server=url, threads=2)
    (record,) = report.records
    assert record.wire_bytes["sent"] > plane.nbytes
