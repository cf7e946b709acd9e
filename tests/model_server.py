"""A model server in a process of its own, as an operator starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

#: Seconds a server may take to start or to end on a busy machine.
PATIENCE = 120


@dataclass
class Server:
    """A server that runs, and what it said."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    errors: Path = Path()

    def address(self, name: str) -> str:
        """``HOST:PORT`` of gRPC, REST or metrics."""
        (found,) = re.findall(rf"^{name} +\w+://([^/\s]+)", "\n".join(self.lines), re.MULTILINE)
        return found

    @property
    def grpc(self) -> str:
        return self.address("gRPC")

    @property
    def http(self) -> str:
        return self.address("REST")

    def metrics(self) -> str:
        with urlopen(f"http://{self.address('metrics')}/metrics", timeout=PATIENCE) as answer:
            return answer.read().decode()

    def stop(self, kind: int = signal.SIGTERM) -> int:
        self.process.send_signal(kind)
        return self.process.wait(PATIENCE)

    def alive(self) -> bool:
        return self.process.poll() is None


@contextmanager
def serving(
    folder: Path | None, *options: object, errors: Path, **environment: Any
) -> Iterator[Server]:
    """A server of the models in ``folder`` on free ports, which is ready.

    What it complains of goes to the file ``errors``.
    """
    words = ["model-server", *(("--models", folder) if folder else ()), *options]
    for port in ("--grpc-port", "--http-port", "--metrics-port"):
        words += [] if port in options else [port, 0]
    with start(*words, errors=errors, **environment) as server:
        end = time.monotonic() + PATIENCE
        while "ready" not in server.lines:
            assert server.alive(), errors.read_text()
            assert time.monotonic() < end, errors.read_text()
            time.sleep(0.05)
        yield server
        assert server.alive() or server.process.returncode == 0, errors.read_text()
    assert "Traceback" not in errors.read_text(), errors.read_text()


@contextmanager
def start(*words: object, errors: Path, **environment: Any) -> Iterator[Server]:
    """The program with those arguments; what it says is gathered as it comes."""
    with errors.open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "cytomill", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            # Started in the background, as CI may be, these tests inherit that it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    server = Server(process, errors=errors)

    def listen() -> None:
        assert process.stdout is not None
        server.lines.extend(line.rstrip("\n") for line in process.stdout)

    reader = threading.Thread(target=listen)
    reader.start()
    try:
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        process.stdout.close()
