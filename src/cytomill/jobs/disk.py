"""What a disk's faults mean to a bucket that lies on it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CytomillError
from .errors import BucketAwayError, BucketFullError, ConflictError, MissingError

#: What the operating system says where there is no such file.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR)

#: What it says where there is no room.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_WAYS_OUT = {
    errno.EACCES: "give this user the right to read and write there",
    errno.EPERM: "give this user the right to read and write there",
    errno.EROFS: "mount it writable",
    errno.ESTALE: "mount it again",
}


@contextmanager
def told(root: Path, key: str | None = None) -> Iterator[None]:
    """Turns faults of the disk of the bucket ``root`` into ours.

    What is absent is missing where a ``key`` is given: without one it is a fault of the bucket.
    """
    try:
        yield
    except OSError as error:
        if key is not None and error.errno in _ABSENT:
            raise MissingError(f"{key}: is not there") from None
        raise fault(root, error) from None


def fault(root: Path, error: OSError) -> CytomillError:
    """What ``error`` is to who uses the bucket ``root``."""
    if error.errno in _FULL:
        return BucketFullError(
            f"the disk of the bucket {root} is full ({error.strerror}); delete jobs and uploads, "
            "or make room"
        )
    if error.errno == errno.ENAMETOOLONG:
        return ConflictError(
            f"{error.filename}: the path is too long for this disk; shorten its folders' names"
        )
    reason = error.strerror or str(error)
    told = f"{reason}: {error.filename}" if error.filename else reason
    way = _WAYS_OUT.get(error.errno or 0, "check the disk")
    return BucketAwayError(
        f"the bucket {root} cannot be used ({told}); {way}", told=f"cannot be used ({reason})"
    )
