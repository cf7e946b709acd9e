"""What the parameters of a request, an input or an output mean, in either front end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .request import Code, ServerError
from .shared_memory import Place

#: The request's own, which the front ends deal with.
_SEQUENCE = ("sequence_id", "sequence_start", "sequence_end")

#: Where an input lies, or an output belongs, in shared memory.
_PLACE = ("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a request is to be served; ``others`` are parameters for the model."""

    priority: int
    deadline: float | None
    others: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output that a request asks for: into shared memory, in bytes, or as JSON values."""

    name: str
    place: Place | None = None
    binary: bool = True


def terms(parameters: Mapping[str, Any], remaining: float | None = None) -> Terms:
    """The terms of a request for whose answer its client waits ``remaining`` seconds, or for ever.

    Raises `ServerError` for values that make no sense and for what is not offered here.
    """
    others = dict(parameters)
    if others.keys() & set(_SEQUENCE):
        raise ServerError(
            Code.UNIMPLEMENTED, "sequences are not offered: no model keeps state between requests"
        )
    priority = _whole(others, "priority") or 0
    timeout = _whole(others, "timeout")
    limits = [remaining] if remaining is not None else []
    limits += [timeout / 1e6] if timeout else []
    return Terms(priority, time.monotonic() + min(limits) if limits else None, others)


def place(parameters: Mapping[str, Any], what: str) -> Place | None:
    """Where in shared memory ``what`` is, None where it is not; raises `ServerError`."""
    if "shared_memory_region" not in parameters:
        if stray := set(_PLACE) & parameters.keys():
            raise _bad(f"{what}: {stray.pop()} without shared_memory_region")
        return None
    given = dict(parameters)
    region = given["shared_memory_region"]
    if not isinstance(region, str):
        raise _bad(f"{what}: shared_memory_region is the name of one")
    size = _whole(given, "shared_memory_byte_size")
    if size is None:
        raise _bad(f"{what}: shared_memory_region without shared_memory_byte_size")
    return Place(region, _whole(given, "shared_memory_offset") or 0, size)


def once(names: Iterable[str], what: str) -> None:
    """Raise `ServerError` where one of ``names``, those of every ``what``, comes twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _bad(f"{what} {name!r} is given twice")
        seen.add(name)


def known(parameters: Mapping[str, Any], also: tuple[str, ...], what: str) -> None:
    """Raise `ServerError` for a parameter of the tensor ``what`` that nothing here heeds."""
    for name in parameters:
        if name not in _PLACE and name not in also:
            raise ServerError(Code.UNIMPLEMENTED, f"{what}: parameter {name!r} is not offered")


def _whole(parameters: dict[str, Any], name: str) -> int | None:
    """Take the whole number ``name`` out of ``parameters``."""
    value = parameters.pop(name, None)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _bad(f"{name} is a whole number from 0 on, not {value!r}")
    return value


def _bad(message: str) -> ServerError:
    return ServerError(Code.INVALID_ARGUMENT, message)
