from __future__ import annotations

import socket

import httpx
import pytest

from cytomill.errors import OptionError
from cytomill.kiosk.health import answering


class Process:
    """Says what a test has it say."""

    def __init__(self) -> None:
        self.hangs = self.waits = ""

    def live(self) -> str:
        return self.hangs

    def ready(self) -> str:
        return self.waits

    def metrics(self) -> bytes:
        return b"a 1\n"


def test_it_is_asked_over_http():
    process = Process()
    with (
        answering(process, 0, "127.0.0.1") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        assert (client.get("/live").status_code, client.get("/ready").text) == (200, "ok\n")
        process.waits = "the queue is away"
        answer = client.get("/ready")
        assert (answer.status_code, answer.text) == (503, "the queue is away\n")
        assert client.get("/live?why").status_code == 200
        process.hangs = "hangs"
        assert client.get("/live").status_code == 503
        metrics = client.get("/metrics")
        assert metrics.text == "a 1\n"
        assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert client.get("/jobs").status_code == 404
        assert client.post("/live").status_code == 501
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/live")


def test_a_client_that_says_nothing_holds_nobody_up():
    with (
        answering(Process(), 0, "127.0.0.1") as port,
        socket.create_connection(("127.0.0.1", port)),
    ):
        assert httpx.get(f"http://127.0.0.1:{port}/live").status_code == 200


def test_a_port_that_is_taken_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"--health-port {port}: cannot listen on 127.0.0.1"):
            answering(Process(), port, "127.0.0.1").__enter__()
