"""What can go wrong with jobs, by how the API answers it."""

from __future__ import annotations

from ..errors import PermanentError, TemporaryError, UnreachableError


class QueueAwayError(UnreachableError):
    """The queue (Redis) does not answer; start it: what was submitted is not lost."""


class QueueFullError(TemporaryError):
    """The queue's memory is full; wait until jobs have ended, or delete old ones."""


class BucketAwayError(UnreachableError):
    """The bucket does not answer; check its address, its keys and the network."""

    def __init__(self, message: str | None = None, *, told: str = "does not answer") -> None:
        #: What is wrong with it in words for users: without addresses and keys.
        self.told = told
        super().__init__(message)


class BucketFullError(TemporaryError):
    """The bucket is full; delete jobs and uploads, or make it larger."""


class MissingError(PermanentError):
    """There is no such thing, or it is not yours."""


class ConflictError(PermanentError):
    """This does not go with what is there."""


class QuotaError(PermanentError):
    """This is more than you may have at once; wait, or delete something."""
