"""A server that speaks S3, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import httpx

from tests.conftest import missing

#: What the process runs: it says its address, and serves until its input ends.
_PROGRAM = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.disable()
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""

#: The bucket that the server has from its start.
NAME = "cells"


class S3Server:
    """A server with one empty bucket, `NAME`; what it holds is gone when it stops."""

    def __init__(self) -> None:
        if find_spec("moto") is None:
            missing("moto, a server that speaks S3, is not installed")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the server did not start"
        httpx.put(f"{self.url}/{NAME}").raise_for_status()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which programs find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def stop(self) -> None:
        """End it, as a power cut does."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def serving() -> Iterator[S3Server]:
    """A server for as long as the block takes."""
    server = S3Server()
    try:
        yield server
    finally:
        server.stop()
