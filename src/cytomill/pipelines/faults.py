"""Faults: whose they are, and in which words they are told."""

from __future__ import annotations

import errno

from ..errors import CytomillError, Interrupted, OutputError, TemporaryError
from ..image.names import shown

#: Faults of the disk of the results, which the next image would meet too.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def is_of_disk(error: BaseException | None) -> bool:
    """Whether a fault is that of a disk."""
    return isinstance(error, OSError) and error.errno in _DISK


def is_of_work(error: BaseException) -> bool:
    """Whether a fault is that of what was done, not of a service, a disk, or a wish to stop."""
    if isinstance(error, Interrupted | TemporaryError) or not isinstance(error, Exception):
        return False
    return not is_of_disk(error.__cause__ if isinstance(error, OutputError) else error)


def reason(error: Exception, name: str) -> str:
    """Why the input ``name`` failed, on one line."""
    if isinstance(error, CytomillError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = f"{name}: does not fit in memory; use fewer --threads"
    else:
        text = (
            f"{name}: could not be processed ({type(error).__name__}: {error}); please report this"
        )
    return on_one_line(text)


def on_one_line(text: str) -> str:
    """``text`` as it can be printed on one line."""
    return shown(" ".join(text.split()))
