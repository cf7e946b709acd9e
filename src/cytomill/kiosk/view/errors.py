"""What can go wrong with looking at an image, but for what can with reading it."""

from __future__ import annotations

from ...errors import TemporaryError


class NotYetError(TemporaryError):
    """This is being made; ask again in a moment."""
