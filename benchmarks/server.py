"""Servers under load: started, waited for, and stopped with all their processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

#: Seconds a server may take to start.
_START = 120.0


@contextmanager
def running(
    command: list[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """The process of a server that listens on ``port``; its messages go to the file ``log``."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CYTOMILL_")}
    with log.open("wb") as told:
        program = subprocess.Popen(
            command,
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**inherited, "PATH": path, **(environment or {})},
            start_new_session=True,
        )
    try:
        end = time.monotonic() + _START
        while not _listens(port):
            if program.poll() is not None or time.monotonic() > end:
                sys.exit(f"{command[0]}: does not start; see {log}")
            time.sleep(0.2)
        yield program.pid
    finally:
        program.terminate()
        with suppress(subprocess.TimeoutExpired):
            program.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
