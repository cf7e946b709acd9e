"""A whole kiosk as it is typed: it serves, stops, and carries on where it was, however it ended."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
import tifffile

from benchmarks.kiosk_server import Kiosk, end
from cytomill.errors import OptionError
from cytomill.kiosk import redis_server
from cytomill.models.registry import find
from tests.acceptance.conftest import Done
from tests.conftest import missing

Serve = Callable[..., Kiosk]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a kiosk on the same folder, again and again; a test ends with none."""
    try:
        redis_server.find()
    except OptionError as error:
        missing(str(error))
    with ExitStack() as stack:
        yield lambda *options, **more: stack.enter_context(
            Kiosk(tmp_path / "kiosk", ["--in-process", *options], **more)
        )


def family(kiosk: Kiosk) -> list[psutil.Process]:
    assert kiosk.process is not None
    return psutil.Process(kiosk.process.pid).children(recursive=True)


def done(kiosk: Kiosk, job: str) -> dict[str, object]:
    kiosk.until(lambda: kiosk.job(job)["state"] == "done")
    return kiosk.job(job)


def test_an_image_goes_in_and_its_nuclei_come_out(
    serve: Serve, images: Path, scene: tuple[object, int]
) -> None:
    kiosk = serve()
    assert kiosk.lines[0] == f"kiosk  http://127.0.0.1:{kiosk.port}"
    (line,) = [line for line in kiosk.lines if line.startswith("token")]
    token = kiosk.data / "token"
    assert line.split()[1] == token.read_text().strip()
    assert token.stat().st_mode & 0o777 == 0o600
    job = kiosk.submit(kiosk.upload([images / "a.tif"]))
    assert done(kiosk, job)["objects"] == scene[1]
    (item,) = kiosk.ask("GET", f"/jobs/{job}/items").json()["items"]
    name = next(each["name"] for each in item["outputs"] if each["name"].endswith("_labels.tif"))
    labels = kiosk.ask("GET", f"/jobs/{job}/items/0/outputs/{name}").content
    (kiosk.data / "labels.tif").write_bytes(labels)
    assert tifffile.imread(kiosk.data / "labels.tif").max() == scene[1]
    assert httpx.get(f"{kiosk.http.base_url}jobs").status_code == 401
    assert "Traceback" not in "".join(log.read_text() for log in kiosk.data.glob("logs/*"))


def test_the_page_is_told_and_opened(serve: Serve, tmp_path: Path, built_page: Path) -> None:
    del built_page  # for its check that there is a page
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" >{seen}\n')
    browser.chmod(0o755)
    kiosk = serve("--open", settings={"BROWSER": str(browser)})
    address = f"http://127.0.0.1:{kiosk.port}/"
    assert kiosk.lines[1] == f"page   {address}"
    kiosk.until(lambda: seen.exists() and seen.read_text() == address)
    assert '<div id="root">' in httpx.get(address).text


def test_where_no_browser_shows_it_the_kiosk_runs_on(serve: Serve, built_page: Path) -> None:
    del built_page
    kiosk = serve("--open", settings={"BROWSER": "false", "DISPLAY": "", "PATH": "/nowhere"})
    told = f"cytomill: --open: no browser shows http://127.0.0.1:{kiosk.port}/"
    kiosk.until(lambda: told in kiosk.lines)
    assert kiosk.ask("GET", "/jobs").json()["jobs"] == []


def test_models_have_a_server_of_their_own_that_finds_new_ones(
    tmp_path: Path, images: Path
) -> None:
    settings = {"CYTOMILL_MODELS": str(tmp_path / "models")}
    with Kiosk(tmp_path / "kiosk", ["--threads", 1], free=True, settings=settings) as kiosk:
        assert all(kiosk.pids().values())
        assert not any(line.startswith("token") for line in kiosk.lines)
        shutil.copytree(find("nuclei").folder, tmp_path / "models" / "mine")
        job = kiosk.submit(kiosk.upload([images / "a.tif"]))
        assert done(kiosk, job)["done"] == 1
        log = (kiosk.data / "logs" / "model-server.log").read_text()
        address = next(line.split()[1] for line in log.splitlines() if line.startswith("REST"))
        kiosk.until(lambda: httpx.get(f"{address}/models/mine").status_code == 200)


def test_stopped_and_started_again_it_knows_its_jobs_and_its_token(
    serve: Serve, images: Path
) -> None:
    kiosk = serve()
    job = kiosk.submit(kiosk.upload([images / "a.tif"]))
    found = done(kiosk, job)
    parts, process = family(kiosk), kiosk.process
    assert process is not None
    kiosk.stop()
    assert process.returncode == 0
    assert psutil.wait_procs(parts, 0)[1] == []
    told = (kiosk.data / "token").read_text()
    kiosk.start()
    assert not any(line.startswith("token") for line in kiosk.lines)
    assert (kiosk.data / "token").read_text() == told
    assert kiosk.job(job) == found


def test_killed_itself_it_carries_on_when_it_is_started_again(serve: Serve, images: Path) -> None:
    kiosk = serve()
    job = kiosk.submit(kiosk.upload(sorted(images.glob("*.tif"))))
    parts = family(kiosk)
    kiosk.kill()
    psutil.wait_procs(parts, 30)
    kiosk.start()
    assert done(kiosk, job)["done"] == 2


def test_a_part_that_is_killed_is_started_again_and_its_work_done(
    serve: Serve, images: Path
) -> None:
    kiosk = serve()
    upload = kiosk.upload(sorted(images.glob("*.tif")))
    for part, called in (("consumer", "consumer-0"), ("API", "api"), ("redis", "redis")):
        job = kiosk.submit(upload, name=part)
        assert end(kiosk.pids()[part][0])
        assert done(kiosk, job)["done"] == 2
        told = f"cytomill: {called} was ended by SIGKILL; started again"
        kiosk.until(lambda told=told: any(line.startswith(told) for line in kiosk.lines))  # type: ignore[misc]


def test_a_second_one_on_its_folder_is_refused(serve: Serve, program: Callable[..., Done]) -> None:
    kiosk = serve()
    assert kiosk.process is not None
    refused = program("serve", "--data", kiosk.data, "--port", 0)
    assert refused.code == 2
    assert f"is in use by process {kiosk.process.pid};" in refused.err


def test_a_port_that_is_taken_is_told(tmp_path: Path, program: Callable[..., Done]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = program("serve", "--data", tmp_path / "kiosk", "--port", port)
    assert refused.code == 2
    assert f"--port {port}: cannot listen on 127.0.0.1 (Address already in use)" in refused.err


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, program: Callable[..., Done], bounded: list[str]
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    folder = tmp_path / "locked" / "kiosk"
    refused = program("serve", "--data", folder, "--port", 0, prefix=bounded)
    assert refused.code == 2
    assert f"--data {folder}: cannot be written" in refused.err


def test_without_tokens_it_is_for_this_machine_alone(
    tmp_path: Path, program: Callable[..., Done]
) -> None:
    refused = program("serve", "--data", tmp_path, "--port", 0, "--host", "0.0.0.0", "--no-token")
    assert refused.code == 2
    assert "--no-token: 0.0.0.0 is open to other machines" in refused.err


def test_a_part_that_never_starts_ends_it_with_the_last_words(
    tmp_path: Path, program: Callable[..., Done]
) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_text("this is no append-only file\n")
    (tmp_path / "redis" / "appendonlydir").write_text("nor is this a folder\n")
    refused = program("serve", "--data", tmp_path, "--port", 0, "--in-process")
    assert refused.code == 1
    assert "redis does not start, it ended with exit code 1: " in refused.err


def test_a_missing_extra_is_told_with_the_way_out() -> None:
    text = (
        "import sys\nsys.modules['redis'] = None\nsys.argv = ['cytomill', 'serve']\n"
        "from cytomill.cli.main import main\nmain()\n"
    )
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "pip install cytomill[kiosk]" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_ctrl_c_before_it_is_ready_stops_it_in_peace(tmp_path: Path, serve: Serve) -> None:
    del serve  # for its check that there is a Redis
    words = [sys.executable, "-m", "cytomill", "serve", "--data", tmp_path, "--port", "0"]
    with subprocess.Popen(
        list(map(str, words)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("kiosk")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    assert "Traceback" not in err
    assert "stopping" in out
