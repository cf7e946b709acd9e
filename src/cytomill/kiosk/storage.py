"""What a bucket that is a folder holds, added up beside the work: a million files take a while."""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..jobs.bucket import Bucket

#: Seconds for which what was added up is good.
_GOOD = 300.0


@dataclass(frozen=True, slots=True)
class Used:
    """Bytes; None where they cannot be told, or are not known yet. ``looked`` as of `time.time`."""

    free: int | None = None
    total: int | None = None
    uploads: int | None = None
    results: int | None = None
    looked: float = 0.0


class Storage:
    """What ``bucket`` holds; of a cloud nothing is known."""

    def __init__(self, bucket: Bucket) -> None:
        self._root = bucket.path("jobs")
        self._used = Used()
        self._adding = threading.Lock()

    def used(self) -> Used:
        """What is known now; what is old is added up anew meanwhile."""
        if self._root is None:
            return Used()
        if time.time() - self._used.looked > _GOOD and self._adding.acquire(blocking=False):
            threading.Thread(target=self._add, name="storage", daemon=True).start()
        disk = shutil.disk_usage(_existing(self._root))
        return replace(self._used, free=disk.free, total=disk.total)

    def _add(self) -> None:
        assert self._root is not None
        try:
            uploads = _bytes(self._root.with_name("uploads"))
            self._used = Used(uploads=uploads, results=_bytes(self._root), looked=time.time())
        finally:
            self._adding.release()


def _existing(path: Path) -> Path:
    """``path``, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


def _bytes(folder: Path) -> int:
    """Bytes of all files below ``folder``; those that go meanwhile are left out."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total
