"""Two processes of the API are started again, one after the other, and no request fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import httpx
import pytest

from cytomill.jobs.redis import connect
from cytomill.jobs.tokens import Tokens
from tests.consumers import wait_for

#: Seconds that a process goes on serving; the balancer looks far more often.
_LINGER = 5.0


class Api:
    """A process of the API, at the same port each time."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = folder / f"api-{self.port}.log"
        self._environment = {
            **os.environ,
            "CYTOMILL_REDIS": redis_url,
            "CYTOMILL_BUCKET": str(folder / "bucket"),
        }

    def start(self) -> None:
        words = ["api", "--port", str(self.port), "--linger", str(_LINGER)]
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cytomill", *words],
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def ready(self) -> bool:
        with suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{self.port}/api/v1/health/ready"
            return httpx.get(url, timeout=10).status_code == 200
        return False


class Balancer:
    """Gives each connection to one of those that are ready, as a Service of Kubernetes does."""

    def __init__(self, apis: list[Api]) -> None:
        self._apis, self._ready, self._turn = apis, list[Api](), count()
        self._stopping = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/api/v1"
        for work in (self._look, self._accept):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        self._stopping.set()
        self._listening.close()

    def has(self, *apis: Api) -> bool:
        return set(apis) == set(self._ready)

    def _look(self) -> None:
        while not self._stopping.wait(0.2):
            self._ready = [one for one in self._apis if one.ready()]

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            ready = self._ready
            far = socket.create_connection(("127.0.0.1", ready[next(self._turn) % len(ready)].port))
            threading.Thread(target=_connect, args=(near, far), daemon=True).start()


def _connect(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
        back.start()
        _pass_on(near, far)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Users:
    """Threads that do something over and over, each with a client of its own."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.faults: list[str] = []
        self.did: dict[str, int] = {}

    def add(self, what: Callable[[httpx.Client, threading.Event], None]) -> None:
        thread = threading.Thread(target=self._work, args=(what,))
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        self._stopping.set()
        for one in self._threads:
            one.join(60)
            assert not one.is_alive()

    def _work(self, what: Callable[[httpx.Client, threading.Event], None]) -> None:
        name = what.__name__
        headers = {"Authorization": f"Bearer {self._token}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=60) as client:
            while not self._stopping.is_set():
                try:
                    what(client, self._stopping)
                except httpx.HTTPError as error:
                    self.faults.append(f"{name}: {error!r}")
                self.did[name] = self.did.get(name, 0) + 1


def upload(client: httpx.Client, _: threading.Event) -> None:
    made = client.post("/uploads", json={"name": "u"}).raise_for_status().json()["id"]
    data = bytes(3_000_000)
    client.put(f"/uploads/{made}/files/a.tif", content=data).raise_for_status()
    assert client.get(f"/uploads/{made}").raise_for_status().json()["bytes"] == len(data)
    client.delete(f"/uploads/{made}").raise_for_status()


def look(client: httpx.Client, stopping: threading.Event) -> None:
    client.get("/jobs").raise_for_status()
    stopping.wait(0.02)


def follow(client: httpx.Client, stopping: threading.Event) -> None:
    with client.stream("GET", "/events", timeout=20) as answer:
        answer.raise_for_status()
        for _ in answer.iter_lines():
            if stopping.is_set():
                return


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def test_no_request_fails_in_a_rolling_restart(stack, tmp_path, redis_url):
    with connect(redis_url) as client:
        token = Tokens(client).create("ann")[0]
    apis = [Api(tmp_path, redis_url) for _ in range(2)]
    for one in apis:
        one.start()
        stack.callback(one.process.kill)
    balancer = Balancer(apis)
    stack.callback(balancer.close)
    wait_for(lambda: balancer.has(*apis))
    users = Users(balancer.url, token)
    for what in (upload, upload, look, look, follow, follow, follow):
        users.add(what)
    try:
        wait_for(lambda: users.did.get("upload", 0) > 3 and users.did.get("look", 0) > 20)
        for one, other in (apis, apis[::-1]):
            asked = time.monotonic()
            one.process.send_signal(signal.SIGTERM)
            wait_for(lambda: balancer.has(other))  # noqa: B023 - called before the next turn
            assert one.process.poll() is None, "it ended before it was known to"
            assert one.process.wait(60) == 0
            assert time.monotonic() - asked >= _LINGER
            one.start()
            stack.callback(one.process.kill)
            wait_for(lambda: balancer.has(*apis))
        before = dict(users.did)
        wait_for(lambda: all(users.did[name] > before[name] for name in ("upload", "look")))
    finally:
        users.end()
    assert users.faults == []
    assert users.did["follow"] >= 3 + 2  # streams ended in peace, and were opened elsewhere
