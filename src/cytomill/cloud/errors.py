"""What a cloud may answer instead of doing what it was asked."""

from __future__ import annotations

from ..errors import PermanentError


class CloudError(PermanentError):
    """The cloud refused, or did not finish; what was made is kept, and the next run goes on."""


class RefusedError(CloudError):
    """An answer that is an error: ``status`` of HTTP, and ``reason`` as the cloud names it."""

    def __init__(self, words: str, status: int, reason: str = "") -> None:
        super().__init__(words)
        self.status, self.reason = status, reason


class InUseError(CloudError):
    """Something cannot be changed or deleted while something else uses it."""
