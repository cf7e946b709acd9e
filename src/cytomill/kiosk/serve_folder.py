"""The folder of a kiosk on one machine: what lies where in it, and that one kiosk has it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError, OutputError

#: Free bytes below which the kiosk does not start: the queue could not be kept.
_LEAST = 256 * 2**20

#: Free bytes below which the user is told.
_LITTLE = 10 * 2**30

#: Seconds that the parts of a killed kiosk may take to end. They are killed with it.
_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where a kiosk on one machine keeps all it has."""

    path: Path

    @property
    def redis(self) -> Path:
        """The queue's append-only file and socket."""
        return self.path / "redis"

    @property
    def bucket(self) -> Path:
        """Uploads and results."""
        return self.path / "bucket"

    @property
    def logs(self) -> Path:
        """What the parts say, a file for each."""
        return self.path / "logs"

    @property
    def audit(self) -> Path:
        """Who did what."""
        return self.path / "audit.jsonl"

    @property
    def token(self) -> Path:
        """The administrator's token, for programs of the same user on this machine."""
        return self.path / "token"

    def log(self, name: str) -> Path:
        """The log of the part ``name``."""
        return self.logs / f"{name}.log"

    def make(self, warn: Callable[[str], object]) -> None:
        """Make what is not there. Raises `OptionError` where that or writing is not possible."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.redis, self.bucket, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
            # The socket in it needs no password.
            self.redis.chmod(0o700)
            probe = self.path / f".write-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise OptionError(
                f"--data {self.path}: cannot be written ({error.strerror}); choose another folder"
            ) from error
        free = shutil.disk_usage(self.path).free
        if free < _LEAST:
            raise OutputError(
                self.path,
                f"only {free // 2**20} MiB are free on its disk",
                f"make room for at least {_LEAST // 2**20} MiB, or choose another --data",
            )
        if free < _LITTLE:
            warn(f"{self.path}: only {free / 2**30:.1f} GiB are free; jobs pause when none are")

    @contextmanager
    def lock(self) -> Iterator[int]:
        """Have the folder alone; a descriptor that keeps it so as long as any process has it.

        Raises `OptionError` naming the process that has it already.
        """
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + _PATIENCE
            while not _locked(lock):
                holder = os.pread(lock, 32, 0).decode().strip()
                # Of one that was killed, the parts may not have ended yet.
                if _lives(holder) or time.monotonic() > end:
                    raise OptionError(
                        f"--data {self.path}: is in use by process {holder or '(unknown)'}; stop "
                        "that kiosk, or choose another folder"
                    )
                time.sleep(0.05)
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            yield lock
        finally:
            os.close(lock)

    def read_token(self) -> str:
        """The administrator's token; empty where there is none."""
        with contextlib.suppress(FileNotFoundError):
            return self.token.read_text().strip()
        return ""

    def write_token(self, token: str) -> None:
        """Keep the administrator's token where only this user can read it."""
        partial = self.token.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{token}\n")
        partial.replace(self.token)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(holder: str) -> bool:
    """Whether the process with that number is there, and no zombie."""
    with contextlib.suppress(OSError, ValueError):
        state = Path(f"/proc/{int(holder)}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    return False
