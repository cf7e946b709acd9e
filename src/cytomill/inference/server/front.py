"""What the gRPC and REST front ends share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from .request import Code, ServerError
from .service import Service
from .shared_memory import Regions

#: Longest message of an error: it travels in a header, and may quote a name that a client made up.
_LONGEST = 1000


class Front:
    """One way to ask ``service``; messages have at most ``limit`` bytes, either way.

    ``may`` says whether clients may load and unload models.
    """

    def __init__(self, service: Service, regions: Regions, *, may: bool, limit: int) -> None:
        self.service, self.regions, self.limit = service, regions, limit
        self._may = may

    def model_ready(self, name: str, version: str) -> bool:
        """Whether the model can answer at once; a model that there is not cannot."""
        try:
            return self.service.ready() and self.service.model_ready(name, version)
        except ServerError as error:
            if error.code is Code.NOT_FOUND:
                return False
            raise

    def may_load(self) -> None:
        """Raise `ServerError` where clients may not load and unload models."""
        if not self._may:
            raise ServerError(
                Code.FAILED_PRECONDITION,
                "clients may not load and unload models; start the server with --allow-load",
            )


def one_line(error: ServerError) -> str:
    """The message of ``error`` for a client."""
    told = " ".join(str(error).split())
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def no_parameters(names: Iterable[str]) -> None:
    """Raise `ServerError` where a model is to be loaded or unloaded in another way than its own."""
    for name in names:
        raise ServerError(
            Code.UNIMPLEMENTED,
            f"parameter {name!r} is not offered: a model is loaded from the server's folder, as it "
            "is there",
        )


def refuse_cuda() -> NoReturn:
    """Raise `ServerError`: clients cannot share the memory of a device."""
    raise ServerError(
        Code.UNIMPLEMENTED,
        "CUDA shared memory is not offered; use system shared memory or send the tensors",
    )


def refuse_tracing() -> NoReturn:
    """Raise `ServerError`: clients cannot change what is traced and logged."""
    raise ServerError(
        Code.UNIMPLEMENTED, "trace and log settings are the operator's, not the clients'"
    )
