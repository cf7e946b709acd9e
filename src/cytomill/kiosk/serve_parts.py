"""The parts of a kiosk on one machine, each as a command line with its environment."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..settings import Settings
from . import redis_server
from .serve_folder import DataFolder
from .supervisor import Program

REDIS, MODELS, API = "redis", "model-server", "api"

#: Seconds that a part has to stop: the model server and consumers finish what is in hand, Redis
#: writes its file to disk.
_PATIENCE = {REDIS: 60.0, MODELS: 20.0, API: 20.0}
_CONSUMER_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the model server, on this machine alone."""

    grpc: int
    http: int
    metrics: int

    @classmethod
    def free(cls) -> Ports:
        """Ports that nothing listens on."""
        made = [socket.socket() for _ in range(3)]
        try:
            for one in made:
                one.bind(("127.0.0.1", 0))
            return cls(*(one.getsockname()[1] for one in made))
        finally:
            for one in made:
                one.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """What each part is called with. A start of a consumer has a name of its own.

    That of one that died is taken for dead from then on, with all it had in hand.
    """

    folder: DataFolder
    settings: Settings
    device: str
    prefix: str

    def redis(self) -> Program:
        """The queue's server."""
        return self._program(REDIS, lambda _: redis_server.command(self.folder.redis))

    def models(self, ports: Ports, threads: int | None, name: str | None = None) -> Program:
        """The model server; one with a ``name`` is announced by it in the queue's Redis."""
        words = ["model-server", "--device", self.device, "--no-allow-load"]
        words += ["--grpc-port", str(ports.grpc), "--http-port", str(ports.http)]
        words += ["--metrics-port", str(ports.metrics)]
        models = self.settings.models.expanduser()
        models.mkdir(parents=True, exist_ok=True)  # some may be installed while it runs
        words += ["--models", str(models)]
        if threads is not None:
            words += ["--threads", str(threads)]
        if name is not None:
            words += ["--announce", "--name", name]
            words += ["--announce-address", f"127.0.0.1:{ports.grpc}"]
        return self._program(MODELS, lambda _: _cytomill(words))

    def api(self, host: str, port: int, *, free: bool) -> Program:
        """The HTTP API and the page."""
        words = ["api", "--host", host, "--port", str(port), *(["--no-token"] if free else [])]
        return self._program(API, lambda _: _cytomill(words))

    def consumer(self, number: int, threads: int, died: Callable[[str], None]) -> Program:
        """Consumer ``number``; ``died`` is given the name of a start that ended."""

        def words(start: int) -> list[str]:
            return self._consuming(self._consumer(number, start), threads)

        name = f"consumer-{number}"
        return Program(
            name,
            words,
            self.environment(),
            self.folder.log(name),
            _CONSUMER_PATIENCE,
            lambda start: died(self._consumer(number, start)),
        )

    def worker(self, place: int, name: str, threads: int) -> Program:
        """A consumer called ``name`` that comes and goes; its log is that of its ``place``."""
        log = self.folder.log(f"consumer-{place}")
        words = self._consuming(name, threads)
        return Program(name, lambda _: words, self.environment(), log, _CONSUMER_PATIENCE)

    def environment(self) -> dict[str, str]:
        """What every part sees: where it finds the others."""
        told = {
            "CYTOMILL_REDIS": self.settings.redis,
            "CYTOMILL_BUCKET": self.settings.bucket,
            "CYTOMILL_AUDIT": self.settings.audit,
            "CYTOMILL_MODEL_SERVER": self.settings.model_server,
        }
        # What a part says is in its log at once, or it is lost when it is killed.
        own = {"PYTHONUNBUFFERED": "1"}
        return os.environ | own | {name: value for name, value in told.items() if value}

    def _consuming(self, name: str, threads: int) -> list[str]:
        return _cytomill(
            ["consumer", "--name", name, "--threads", str(threads), "--device", self.device]
        )

    def _consumer(self, number: int, start: int) -> str:
        return f"{self.prefix}{os.getpid()}-{number}.{start}"

    def _program(self, name: str, command: Callable[[int], Sequence[str]]) -> Program:
        return Program(name, command, self.environment(), self.folder.log(name), _PATIENCE[name])


def _cytomill(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "cytomill", *words]
