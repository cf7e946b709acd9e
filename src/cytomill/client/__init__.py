"""The Python client of a kiosk. It speaks HTTP, and knows nothing of how the kiosk works."""

from __future__ import annotations

__all__ = [
    "AnswerError",
    "AsyncClient",
    "Client",
    "Item",
    "Job",
    "JobFailedError",
    "NotFoundError",
    "Output",
    "Results",
    "ServerAwayError",
    "ServerBusyError",
    "Share",
    "SignInError",
    "Stored",
    "Upload",
    "check_own",
]

from .aio import AsyncClient
from .download import Results, check_own
from .errors import (
    AnswerError,
    JobFailedError,
    NotFoundError,
    ServerAwayError,
    ServerBusyError,
    SignInError,
)
from .records import Item, Job, Output, Share, Stored, Upload
from .sync import Client
