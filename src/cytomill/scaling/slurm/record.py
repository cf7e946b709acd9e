"""The record of an installation's workers on SLURM: what was asked for, before it was."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...errors import OutputError
from ...image.atomic import replacing

#: Seconds after which SLURM takes no batch any more whose ``sbatch`` was given up.
_UNSURE = 3600.0


@dataclass(slots=True)
class Asked:
    """A worker that was asked for and has not ended; times are in seconds since 1970.

    ``batch`` is empty until SLURM is asked for it, ``job`` until it has answered. ``told`` is when
    it was told to drain.
    """

    id: str
    pool: str
    asked: float
    batch: str = ""
    index: int = 0
    job: str = ""
    sent: float = 0.0
    stopping: bool = False
    told: float = 0.0


@dataclass(slots=True)
class Record:
    """What lies at ``path``: the name of the installation, and its workers by their ids.

    ``unsure`` are batches that SLURM may yet take although nobody waits for them any more, and
    since when.
    """

    path: Path
    installation: str = field(default_factory=lambda: secrets.token_hex(4))
    workers: dict[str, Asked] = field(default_factory=dict)
    unsure: dict[str, float] = field(default_factory=dict)
    _saved: str = ""

    @classmethod
    def open(cls, path: Path) -> Record:
        """What there is, or a new one. Raises `OutputError` where it cannot be read or made."""
        try:
            stored = json.loads(path.read_text())
            workers = {one["id"]: Asked(**one) for one in stored["workers"]}
            installation = stored["installation"]
            if not re.fullmatch("[0-9a-f]{8}", installation):
                raise ValueError
            return cls(path, installation, workers, dict(stored["unsure"]))
        except FileNotFoundError:
            made = cls(path)
            made.save()
            return made
        except OSError as error:
            raise OutputError(path, f"cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(
                path,
                "is damaged",
                "end the jobs of this installation with scancel, then remove the file",
            ) from error

    @property
    def name(self) -> str:
        """What its jobs are called."""
        return f"cytomill-{self.installation}"

    def add(self, pool: str, count: int, now: float) -> None:
        """Note so many more workers of a pool, of which SLURM has not heard."""
        for _ in range(count):
            name = f"{self.name}-{secrets.token_hex(5)}"
            self.workers[name] = Asked(name, pool, now)

    def batch(self, workers: list[Asked], now: float) -> str:
        """Make workers a batch; returns its name, which is on the disk then.

        Raises `OutputError` where that is not possible: then they are none.
        """
        name = secrets.token_hex(8)
        for index, one in enumerate(workers):
            one.batch, one.index, one.sent = name, index, now
        try:
            self.save()
        except OutputError:
            for one in workers:
                one.batch = ""
            raise
        return name

    def forget(self, batch: str, now: float) -> None:
        """Nobody waits for a batch any more, of which SLURM may have heard."""
        self.unsure[batch] = now
        for one in self.workers.values():
            if one.batch == batch:
                one.batch = ""

    def may_come(self, now: float) -> set[str]:
        """Batches that nobody waits for, and that SLURM may take or have taken."""
        self.unsure = {one: since for one, since in self.unsure.items() if now - since < _UNSURE}
        return set(self.unsure)

    def comment(self, batch: str) -> str:
        """What the jobs of a batch have as their comment."""
        return f"{self.name}:{batch}"

    def batch_of(self, comment: str) -> str:
        """The batch that a comment names; empty for those of others."""
        name, colon, batch = comment.partition(":")
        return batch if colon and name == self.name else ""

    def save(self) -> None:
        """Write it to the disk; raises `OutputError`."""
        stored = {
            "installation": self.installation,
            "workers": [asdict(one) for one in self.workers.values()],
            "unsure": self.unsure,
        }
        text = json.dumps(stored)
        if text == self._saved:
            return
        with replacing(self.path) as partial, partial.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._saved = text
