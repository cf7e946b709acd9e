"""A request and its answer, whatever the protocol that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CytomillError
from ..stop import Stop


class Code(Enum):
    """What kind of failure: the name of a gRPC status, and the HTTP status that says the same."""

    INVALID_ARGUMENT = 400
    NOT_FOUND = 404
    CANCELLED = 499
    DEADLINE_EXCEEDED = 504
    RESOURCE_EXHAUSTED = 429
    FAILED_PRECONDITION = 409
    UNIMPLEMENTED = 501
    UNAVAILABLE = 503
    INTERNAL = 500


class ServerError(CytomillError):
    """A request cannot be answered; the message is for the client."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Request:
    """One call for a prediction.

    ``priority``: 1 is served first; 0 is the default of the server. ``deadline`` is a time of
    `time.monotonic` after which the answer is of no use, None for never. ``stop`` is set when the
    client goes away. The arrays are read-only views of the message and live as long as it does.
    """

    model: str
    version: str
    id: str
    inputs: Mapping[str, NDArray[np.generic]]
    outputs: tuple[str, ...] | None = None
    priority: int = 0
    deadline: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stop: Stop = field(default_factory=Stop)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    model: str
    version: str
    id: str
    outputs: Mapping[str, NDArray[np.generic]]
