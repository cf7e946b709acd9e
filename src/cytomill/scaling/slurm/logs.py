"""What workers said last, in the files that SLURM writes for them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

#: Bytes of a log's end in which its last line is looked for.
_END = 8192

#: Letters of a log in which its worker is looked for to say that it is ready.
_BEGIN = 2**20

#: Logs of workers that ended badly that are kept.
_KEPT = 100

#: What SLURM itself writes there, about what it did.
_SLURM = re.compile(r"slurmstepd[^:]*: ")

#: The last line of a worker's greeting.
_READY = re.compile(r"(^|\s)ready$", re.MULTILINE)


def last_words(path: Path) -> str:
    """The last thing that a worker said; empty where it said nothing."""
    said = [line.strip() for line in _end(path).split("\n")]
    said = [line for line in said if line]
    own = [line for line in said if not _SLURM.match(line)]
    return (own or said or [""])[-1][:300]


def is_ready(path: Path) -> bool:
    """Whether a worker has said that it is ready."""
    with suppress(OSError), path.open(errors="replace") as file:
        return _READY.search(file.read(_BEGIN)) is not None
    return False


def prune(folder: Path, living: Collection[str]) -> None:
    """Keep the newest of the logs of workers that ended badly, and those of jobs ``living``."""
    found = []
    for path in folder.glob("*.log"):
        with suppress(OSError):
            if path.stem not in living:
                found.append((path.stat().st_mtime, path))
    for _, path in sorted(found)[:-_KEPT]:
        with suppress(OSError):
            path.unlink()


def _end(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
        return file.read().decode(errors="replace")
    return ""
