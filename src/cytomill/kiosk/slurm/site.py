"""The folder of a kiosk on SLURM: what lies there for its workers, and for the next start."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import OutputError
from ...image.atomic import output_error, replacing

#: Seconds after which a kiosk that has not said that it lives is dead, on whatever machine it was:
#: nodes may see a shared folder as it was a minute ago.
_DEAD = 90.0


@dataclass(frozen=True, slots=True)
class Running:
    """Where a kiosk runs: its process, and the job of SLURM that it is in, if any."""

    host: str
    process: int
    address: str
    job: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The folder ``slurm`` of a kiosk's folder; only its user may read what lies there."""

    path: Path

    @property
    def environment(self) -> Path:
        """What workers are told, as assignments of a shell: with the password of the queue."""
        return self.path / "environment"

    @property
    def redis(self) -> Path:
        """The configuration of the queue's server."""
        return self.path / "redis.conf"

    @property
    def _running(self) -> Path:
        return self.path / "running.json"

    @property
    def _stop(self) -> Path:
        return self.path / "stop"

    @property
    def _kept(self) -> Path:
        return self.path / "kept.json"

    def make(self) -> None:
        """Make what is not there. Raises `OutputError`."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            self._stop.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(self.path, error) from error

    def write(self, path: Path, text: str) -> None:
        """Write a file that only its user may read. Raises `OutputError`."""
        with replacing(path) as partial:
            made = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w") as file:
                file.write(text)

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Tell workers, those that run excepted."""
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
        self.write(self.environment, "".join(lines))

    def password(self) -> str:
        """The password of the queue's server, made at the first start."""
        kept = self._read()
        if "password" not in kept:
            self._keep(kept | {"password": secrets.token_urlsafe(32)})
        return str(self._read()["password"])

    def port(self, name: str) -> int:
        """The port that ``name`` had; 0 where it had none."""
        port = self._read().get(f"{name}_port", 0)
        return port if isinstance(port, int) else 0

    def keep_port(self, name: str, port: int) -> None:
        """Workers that run know it: ``name`` is to have it again at the next start."""
        self._keep(self._read() | {f"{name}_port": port})

    def running(self) -> Running | None:
        """The kiosk that runs, as far as that can be seen here."""
        with suppress(OSError, ValueError, TypeError):
            found = Running(**json.loads(self._running.read_text()))
            if found.host == socket.gethostname():
                return found if Path(f"/proc/{found.process}").exists() else None
            age = time.time() - self._running.stat().st_mtime
            return found if age < _DEAD else None
        return None

    def runs(self, running: Running) -> None:
        """The kiosk runs; to be said again and again."""
        self.write(self._running, json.dumps(asdict(running)))

    def ended(self) -> None:
        """The kiosk has ended."""
        with suppress(OSError):
            self._running.unlink(missing_ok=True)
            self._stop.unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        """Have the kiosk stop, on whatever machine it runs. Raises `OutputError`."""
        self.write(self._stop, "")

    def is_to_stop(self) -> bool:
        """Whether somebody wants the kiosk to stop."""
        return self._stop.exists()

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._kept.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise OutputError(self._kept, "cannot be read", "remove it") from error
        return found if isinstance(found, dict) else {}

    def _keep(self, kept: Mapping[str, object]) -> None:
        self.write(self._kept, json.dumps(kept))
