"""The client with a real kiosk: large files, restarts in the middle, who may see what."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from cytomill.client import AsyncClient, Client, NotFoundError, Stored
from cytomill.kiosk.backend import Backend
from cytomill.settings import Settings, settings
from tests.kiosk import PATIENCE, content, kiosk, work
from tests.service import in_loop

#: Bytes of a piece here, so that files of some megabytes have hundreds.
PIECE = 2**16


@pytest.fixture(autouse=True)
def small_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("cytomill.client.upload.settings", replace(settings, piece_bytes=PIECE))
    monkeypatch.setattr("cytomill.client.server.TOKEN_FILE", tmp_path / "none")


class Api:
    """The API in a process of its own, at an address that stays when it is started again."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        with socket.socket() as opened:
            opened.bind(("127.0.0.1", 0))
            self._port = opened.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.bucket = folder / "bucket"
        self._environment = {
            "CYTOMILL_REDIS": redis_url,
            "CYTOMILL_BUCKET": str(self.bucket),
            "CYTOMILL_PIECE_BYTES": str(PIECE),
            "CYTOMILL_USER_REQUESTS": "100000",
            "CYTOMILL_AUDIT": str(folder / "audit.jsonl"),
        }
        self.backend = Backend.of(replace(Settings(), redis=redis_url, bucket=str(self.bucket)))

    def start(self) -> None:
        words = [sys.executable, "-m", "cytomill", "api", "--no-token", "--port", str(self._port)]
        self._process = subprocess.Popen(
            words, env={**os.environ, **self._environment}, stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(f"{self.url}/api/v1/health/ready").raise_for_status()
                return
            except httpx.HTTPError:
                assert self._process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def api(folder: Path, redis_url: str) -> Iterator[Api]:
    made = Api(folder, redis_url)
    made.start()
    try:
        yield made
    finally:
        made.kill()
        made.backend.redis.close()


def large(path: Path, pieces: int) -> bytes:
    data = os.urandom(pieces * PIECE - 100)
    path.write_bytes(data)
    return data


def test_a_kiosk_that_is_killed_in_the_middle_of_an_upload(redis_url, tmp_path):
    data = large(tmp_path / "slide.tif", 200)
    killed = threading.Event()
    with api(tmp_path, redis_url) as server, Client(server.url) as client:

        def restart() -> None:
            killed.wait(PATIENCE)
            server.kill()
            time.sleep(0.5)
            server.start()

        restarter = threading.Thread(target=restart)
        restarter.start()
        told = []

        def progress(sent: int, total: int) -> None:
            told.append(sent)
            if sent > total / 3:
                killed.set()

        (stored,) = client.upload(tmp_path / "slide.tif", progress=progress)
        restarter.join()
        assert (server.bucket / f"uploads/{stored.upload}/files/slide.tif").read_bytes() == data
    assert told[-1] == len(data)


def test_an_upload_that_was_broken_off_goes_on_where_it_was(redis_url, tmp_path):
    (tmp_path / "images").mkdir()
    data = large(tmp_path / "images/b.tif", 100)
    (tmp_path / "images/a.tif").write_bytes(b"a" * 1000)

    class EnoughError(Exception):
        pass

    def stop(sent: int, total: int) -> None:
        if sent > total / 2:
            raise EnoughError

    with kiosk(tmp_path, redis_url, piece_bytes=PIECE) as server:
        with Client(server.url, server.token) as client, pytest.raises(EnoughError):
            client.upload(tmp_path / "images", progress=stop)
        told = []
        with Client(server.url, server.token) as client:
            progress = lambda sent, total: told.append(sent)  # noqa: E731
            (stored,) = client.upload(tmp_path / "images", progress=progress)
            (upload,) = client.uploads()
        assert (upload.id, upload.files, upload.bytes) == (stored.upload, 2, len(data) + 1000)
        folder = tmp_path / f"bucket/uploads/{stored.upload}/files"
        assert (folder / "b.tif").read_bytes() == data
    # What was in hand is sent again, what was there is counted at once.
    assert max(b - a for a, b in pairwise(told)) > len(data) / 4


def test_tiny_files_arrive_under_their_names(redis_url, tmp_path):
    tree = tmp_path / "cells.zarr"
    names = ["zarr.json", "0/c/é", '0/c/"%22', "0/c/a b", "0/empty", *map(str, range(1, 450))]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("" if name == "0/empty" else name)
    requests = []
    with kiosk(tmp_path, redis_url) as server, Client(server.url, server.token) as client:
        told = []
        (stored,) = client.upload(tree, progress=lambda *now: told.append(now))
        requests = [line for line in (tmp_path / "audit.jsonl").read_text().splitlines() if line]
    top = tmp_path / f"bucket/uploads/{stored.upload}/files/cells.zarr"
    found = {path.relative_to(top).as_posix(): path for path in top.rglob("*") if path.is_file()}
    assert set(found) == set(names)
    for name, path in found.items():
        assert path.read_text() == ("" if name == "0/empty" else name)
    assert told[-1][0] == told[-1][1]
    assert len(requests) < 20


def test_a_kiosk_that_is_killed_while_a_job_is_waited_for(redis_url, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"a")
    seen = []
    with api(tmp_path, redis_url) as server, Client(server.url) as client:
        job = client.submit(client.upload(tmp_path / "a.tif"), name="waited for")

        def watch() -> None:
            seen.extend(now.state for now in client.watch(job.id))

        watcher = threading.Thread(target=watch)
        watcher.start()
        time.sleep(0.5)
        server.kill()
        work(server.backend, ["a.tif"])
        server.start()
        watcher.join(PATIENCE)
        assert not watcher.is_alive()
        assert client.job(job.id).done == 1
    assert seen[-1] == "done"


@in_loop
async def test_with_await(redis_url, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"a")
    with kiosk(tmp_path, redis_url) as server:
        async with AsyncClient(server.url, server.token) as client:
            job = await client.submit(await client.upload(tmp_path / "a.tif"))
            work(server.backend, ["a.tif", "b/c.tif"], failed=["b/c.tif"])
            states = [now.state async for now in client.watch(job.id)]
            assert states[-1] == "done"
            results = await client.download(job.id, tmp_path / "out")
            (failed,) = [item async for item in client.items(job.id, "failed")]
    assert failed.error == "b/c.tif: not a TIFF file"
    assert results.failed == (failed,)
    assert (tmp_path / "out/a_labels.tif").read_bytes() == content("a")
    assert (tmp_path / "out/a.ome.zarr/0/c/0").read_bytes() == b"chunk"
    assert {path.name for path in results.tables} == {"measurements.csv"}


def test_failed_items_are_tried_again_and_fetched_then(redis_url, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"a")
    names = [f"{number}.tif" for number in range(30)]
    with kiosk(tmp_path, redis_url) as server, Client(server.url, server.token) as client:
        job = client.submit(client.upload(tmp_path / "a.tif"))
        work(server.backend, names, failed=names[:3])
        first = client.download(job.id, tmp_path / "out")
        assert (len(first.failed), first.fetched) == (3, 27 * 3 + 2)
        assert client.retry(job.id).state in ("running", "listing")
        work(server.backend, names)
        assert client.wait(job.id).failed == 0
        again = client.download(job.id, tmp_path / "out")
        # The three that came late, and the tables, which tell of them now.
        assert (again.failed, again.fetched, again.kept) == ((), 3 * 3 + 2, 27 * 3)


def test_what_belongs_to_others_is_not_there(redis_url, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"a")
    with kiosk(tmp_path, redis_url) as server:
        with Client(server.url, server.token) as ann:
            (stored,) = ann.upload(tmp_path / "a.tif")
            job = ann.submit(stored)
            assert ann.me()["user"] == "ann"
        with Client(server.url, server.token_of("eve")) as eve:
            assert (eve.jobs(), eve.uploads()) == ([], [])
            for refused in (
                lambda: eve.job(job.id),
                lambda: eve.wait(job.id),
                lambda: eve.cancel(job.id),
                lambda: eve.delete(job.id),
                lambda: eve.download(job.id, tmp_path / "out"),
                lambda: list(eve.items(job.id)),
                lambda: eve.submit(Stored(upload=stored.upload)),
                lambda: eve.delete_upload(stored.upload),
                lambda: eve.find(job.id[:9]),
            ):
                with pytest.raises(NotFoundError):
                    refused()
    assert not (tmp_path / "out").exists()


def test_what_a_kiosk_has_can_be_asked(redis_url, tmp_path):
    with kiosk(tmp_path, redis_url) as server, Client(server.url, server.token) as client:
        assert {one["name"] for one in client.pipelines()} >= {"nuclei", "model"}
        assert "channel" in client.pipeline("nuclei")["options"]["properties"]
        assert "nuclei" in {one["name"] for one in client.models()}


CTRL_C = """
import os, signal, sys, threading, time
import numpy as np
from cytomill import Client

def press():
    with Client(*sys.argv[1:]) as other:
        while not other.jobs():
            time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)

# Whoever starts this in the background has it ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=press).start()
try:
    with Client(*sys.argv[1:]) as client:
        client.run(np.zeros((64, 64), np.uint8))
except KeyboardInterrupt:
    print("stopped")
"""


def test_ctrl_c_leaves_nothing_of_an_array(redis_url, tmp_path):
    with kiosk(tmp_path, redis_url) as server, Client(server.url, server.token) as client:
        # In a process of its own: other tests' libraries may have a say in what signals do here.
        ended = subprocess.run(
            [sys.executable, "-c", CTRL_C, server.url, server.token],
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        assert ended.stdout == "stopped\n", ended.stderr
        assert {job.state for job in client.jobs()} <= {"deleting"}
        assert client.uploads() == []
