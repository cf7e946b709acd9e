"""Reads Protocol Buffers without their schema, as far as names and shapes of networks need it.

The encoding is that of https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

#: Kinds of values: a number, 8 bytes, a length and so many bytes, 4 bytes.
_NUMBER, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

Value = int | memoryview


def fields(data: bytes | memoryview) -> Iterator[tuple[int, Value]]:
    """The fields of a message: number, and value as an unsigned number or as bytes.

    Raises `ValueError` for what is no message.
    """
    view = memoryview(data)
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, kind = key >> 3, key & 7
        if kind == _NUMBER:
            value, at = _varint(view, at)
            yield number, value
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(kind)
        if kind == _BYTES:
            size, at = _varint(view, at)
        if size is None or number == 0 or at + size > len(view):
            raise ValueError("no message")
        yield number, view[at : at + size]
        at += size


def messages(data: bytes | memoryview, number: int) -> list[memoryview]:
    """The values of all fields ``number`` that have bytes."""
    return [
        value for found, value in fields(data) if found == number and isinstance(value, memoryview)
    ]


def text(data: bytes | memoryview, number: int) -> str:
    """The last field ``number`` as text, empty where there is none."""
    found = messages(data, number)
    return str(found[-1], "utf-8") if found else ""


def whole(data: bytes | memoryview, number: int) -> int | None:
    """The last field ``number`` as a signed number, None where there is none."""
    found = [value for key, value in fields(data) if key == number and isinstance(value, int)]
    if not found:
        return None
    return found[-1] - 2**64 if found[-1] >= 2**63 else found[-1]


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(view) or shift > 63:
            raise ValueError("no message")
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
