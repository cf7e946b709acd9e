"""Consumers that come with the work and go with it, as typed; and what cannot be asked for."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import psutil
import pytest

from benchmarks.kiosk_server import Kiosk, end
from cytomill.cli.main import cli
from cytomill.errors import OptionError
from cytomill.kiosk import redis_server
from cytomill.kiosk.autoscaling import read_pools
from cytomill.scaling.board import Board
from tests.conftest import missing
from tests.consumers import Lab, image, wait_for
from tests.keda import Scaler

IDLE = 4


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    try:
        redis_server.find()
    except OptionError as error:
        missing(str(error))
    options = ["--max-consumers", 2, "--threads", 1, "--idle", IDLE]
    with Kiosk(tmp_path / "kiosk", options, free=True) as found:
        yield found


def workers(kiosk: Kiosk) -> list[int]:
    pids = kiosk.pids()
    return pids["consumer"] + pids["model server"]


def done(kiosk: Kiosk, job: str) -> dict[str, object]:
    kiosk.until(lambda: kiosk.job(job)["state"] == "done")
    return kiosk.job(job)


def test_nothing_runs_until_there_is_work_and_nothing_after(kiosk: Kiosk, images: Path) -> None:
    (line,) = [line for line in kiosk.lines if line.startswith("work")]
    assert line.startswith("work   up to 2 consumers of 1 image at once and a model server, ")
    assert kiosk.lines[-1] == "ready"
    assert workers(kiosk) == []
    assert kiosk.ask("GET", "/admin/models").json() == []
    begun = time.monotonic()
    upload = kiosk.upload(sorted(images.glob("*.tif")))
    job = kiosk.submit(upload)
    kiosk.until(lambda: kiosk.pids()["consumer"] and kiosk.pids()["model server"])
    asked = time.monotonic() - begun
    told = kiosk.job(job)["waits"]
    assert told is None or told.startswith("waits for ")
    assert done(kiosk, job)["done"] == 2
    print(f"workers after {asked:.2f} s, results after {time.monotonic() - begun:.2f} s")
    # What runs is used at once.
    pids = workers(kiosk)
    done(kiosk, kiosk.submit(upload, name="again"))
    assert set(pids) <= set(workers(kiosk))
    (pool, servers) = kiosk.ask("GET", "/admin/scaling").json()["pools"]
    assert (pool["name"], pool["most"], servers["most"]) == ("consumers", 2, 1)
    kiosk.until(lambda: not workers(kiosk))
    kiosk.until(lambda: kiosk.ask("GET", "/admin/consumers").json() == [])
    log = (kiosk.data / "logs" / "autoscaler.log").read_text()
    assert re.search(r"consumers: starts [12], has 0, wants [12]: ", log)
    assert re.search(r"consumers: stops [12], has [12], wants 0: nothing is to be done", log)
    assert not any(line.startswith("cytomill:") for line in kiosk.lines)
    # From nothing again, with the same port and the same logs.
    assert done(kiosk, kiosk.submit(upload, name="third"))["done"] == 2
    assert len(list((kiosk.data / "logs").glob("consumer-*.log"))) <= 2


def test_killed_workers_and_a_killed_kiosk_lose_nothing(kiosk: Kiosk, images: Path) -> None:
    upload = kiosk.upload(sorted(images.glob("*.tif")))
    job = kiosk.submit(upload)
    kiosk.until(lambda: kiosk.pids()["consumer"])
    assert end(kiosk.pids()["consumer"][0])
    assert done(kiosk, job)["done"] == 2
    job = kiosk.submit(upload)
    family = [psutil.Process(pid) for pid in workers(kiosk)]
    kiosk.kill()
    psutil.wait_procs(family, 30)
    kiosk.start()
    assert done(kiosk, job)["done"] == 2


def test_consumers_of_this_machine_come_to_a_queue_elsewhere(
    tmp_path: Path, redis_url: str
) -> None:
    lab = Lab.of(redis_url, tmp_path / "bucket")
    image(tmp_path / "in" / "a.tif")
    settings = {"CYTOMILL_REDIS": redis_url, "CYTOMILL_BUCKET": str(tmp_path / "bucket")}
    words = [sys.executable, "-m", "cytomill", "autoscaler", "--max-consumers", "1", "--idle", "2"]
    with subprocess.Popen(
        [*words, "--health-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **settings, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    ) as program:
        try:
            assert program.stdout is not None
            assert program.stderr is not None
            health = program.stderr.readline().split()[-1]
            assert program.stdout.readline().startswith("work   up to 1 consumer ")
            assert program.stdout.readline() == "ready\n"
            assert httpx.get(f"{health}/ready").status_code == 200
            job = lab.wait(lab.submit(lab.upload(tmp_path / "in")))
            assert job.done == 1
            metrics = httpx.get(f"{health}/metrics").text
            assert 'cytomill_pool_most{pool="consumers"} 1.0' in metrics
            children = psutil.Process(program.pid).children(recursive=True)
            program.send_signal(signal.SIGTERM)
            assert program.wait(60) == 0
            assert psutil.wait_procs(children, 10)[1] == []
        finally:
            program.kill()


def test_keda_is_told_how_many_pods_there_should_be(tmp_path: Path, redis_url: str) -> None:
    lab = Lab.of(redis_url, tmp_path / "bucket")
    (tmp_path / "pools.json").write_text(json.dumps([{**POOL, "name": "cells"}]))
    words = ["--keda", "--host", "127.0.0.1", "--port", "0", "--pools", tmp_path / "pools.json"]
    with subprocess.Popen(
        [sys.executable, "-m", "cytomill", "autoscaler", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CYTOMILL_REDIS": redis_url, "PYTHONUNBUFFERED": "1"},
    ) as program:
        try:
            assert program.stdout is not None
            port = program.stdout.readline().split()[-1]
            assert program.stdout.readline() == "ready\n"
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                scaler = Scaler(channel, pool="cells", pipeline="nuclei")
                name, _ = scaler.spec()
                assert not scaler.active()
                assert scaler.metric(name) == 0
                lab.submit()
                wait_for(scaler.active)
                assert scaler.metric(name) == 1
            status = Board(lab.backend.redis).read()
            assert status is not None
            assert (status.engine, status.pools[0].wanted) == ("Kubernetes", 1)
            program.send_signal(signal.SIGTERM)
            assert program.wait(60) == 0
            assert Board(lab.backend.redis).read() is None
        finally:
            program.kill()


POOL = {"name": "nuclei", "role": "consumer", "most": 4, "pipelines": ["nuclei"], "price": 0.1}

REFUSED = {
    "serve --consumers 2 --max-consumers 4": "give one of them",
    "serve --idle 5": "--idle: goes with --max-consumers",
    "serve --max-consumers many": "--max-consumers many: must be auto, or a number from 1 to 1000",
    "serve --max-consumers 0": "must be auto, or a number from 1 to 1000",
    "autoscaler": "give --max-consumers for consumers on this machine, or --keda",
    "autoscaler --keda": "--keda: needs --pools FILE",
    "autoscaler --keda --threads 2": "--threads: goes with --max-consumers only",
    "autoscaler --max-consumers 1 --port 90": "--port: goes with --keda only",
    "autoscaler --max-consumers 1 --policy deadline": "needs --within",
    "autoscaler --max-consumers 1 --within 4h": "--policy deadline",
    "autoscaler --max-consumers 1 --budget 3": "--policy budget",
    "autoscaler --keda --tls-key key.pem": "--tls-certificate and --tls-key: go together",
    "autoscaler --keda --pools /nowhere/pools.json": "cannot be read (No such file or directory)",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_asked_for_is_told(words: str) -> None:
    with pytest.raises(OptionError) as caught:
        cli.main(words.split(), standalone_mode=False)
    assert REFUSED[words] in str(caught.value)


def test_pools_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pools.json"
    path.write_text(json.dumps([POOL, {"name": "models", "role": "model-server"}]))
    first, second = read_pools(path)
    assert (first.name, first.most, first.pipelines, first.startup) == (
        "nuclei",
        4,
        ("nuclei",),
        120,
    )
    assert (second.role, second.most, second.price) == ("model-server", 1, 0)


@pytest.mark.parametrize(
    ("pools", "told"),
    [
        ([], "names no pool"),
        ([POOL, POOL], "two pools have the same name"),
        ([{**POOL, "role": "gpu"}], "0.role: "),
        ([{**POOL, "colour": "red"}], "0.colour: "),
        ([{**POOL, "name": "a b"}], "0.name: "),
        ([{**POOL, "least": 9}], "nuclei: least is above most"),
        ([{**POOL, "price": -1}], "0.price: "),
        ({"pools": []}, "is a JSON list of objects"),
    ],
)
def test_pools_that_cannot_be_are_told(tmp_path: Path, pools: object, told: str) -> None:
    path = tmp_path / "pools.json"
    path.write_text(json.dumps(pools))
    with pytest.raises(OptionError, match="--pools") as caught:
        read_pools(path)
    assert told in str(caught.value)
