"""Whether there is room for results, and in which words a lack of it is told."""

from __future__ import annotations

import errno

from ..errors import OutputError
from ..jobs.errors import BucketFullError
from ..pipelines.faults import is_of_disk


def is_full(error: BaseException) -> bool:
    """Whether there is no room for results."""
    return isinstance(error, BucketFullError) or is_of_disk(_cause(error))


def full(error: BaseException) -> str:
    """Why there is no room, in words that tell a user nothing of where the bucket is."""
    cause = _cause(error)
    if isinstance(cause, OSError) and cause.errno not in (errno.ENOSPC, errno.EDQUOT):
        return f"results cannot be written now ({cause.strerror})"
    return str(BucketFullError())


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ if isinstance(error, OutputError) else error
