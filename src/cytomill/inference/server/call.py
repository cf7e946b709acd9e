"""What is asked of a worker, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime import Port
from .block import view
from .request import Code, ServerError


class Died(Exception):  # noqa: N818 - what happened, and no fault of the caller
    """The worker is gone; the message says how it went."""


class NeverBegun(Died):
    """The worker is gone, and had not begun with this."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What one view of a model takes and gives."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(slots=True)
class Call:
    """One run asked of a worker: pieces of each input, joined where ``rows`` says how many each."""

    view: str
    tensors: Mapping[str, Sequence[NDArray[Any]]]
    outputs: Sequence[str] | None
    rows: Sequence[int] | None
    stopped: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a call: per member its outputs or an error; durations in nanoseconds.

    ``apart`` is set where the network turned out to have no batch axis.
    """

    members: list[dict[str, NDArray[Any]] | ServerError]
    waited: int
    input: int
    infer: int
    output: int
    runs: int
    apart: bool


def ports_of(ports: Sequence[Sequence[Any]]) -> tuple[Port, ...]:
    """The ports that a worker describes."""
    return tuple(
        Port(name, np.dtype(kind), tuple(shape), optional, real)
        for name, kind, shape, optional, real in ports
    )


def member_of(
    member: Sequence[Any], memory: NDArray[np.uint8] | None
) -> dict[str, NDArray[Any]] | ServerError:
    """The outputs of a member of a call, which lie in ``memory``, or what it failed with."""
    if member and isinstance(member[0], str):
        return ServerError(Code[member[0]], member[1])
    assert memory is not None
    return {place[0]: view(memory, place) for place in member}
