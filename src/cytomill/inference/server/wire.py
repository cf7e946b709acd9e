"""Messages of ModelInfer as bytes, without copies of the tensors in them.

Protocol Buffers copies every field of a message that it reads or writes, once into its own memory
and once out of it. Tensors are in fields of their own at the top level of both messages, so that
they are cut out of the bytes that came, and joined into those that go. What is left is small, and
is given to Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from tritonclient.grpc import service_pb2 as pb

from .codec import check_values
from .request import Code, ServerError

#: Fields at the top level of a request: inputs, outputs and raw contents, a handful in use. Without
#: a limit, one message of empty fields would keep the server busy for minutes.
_MOST_FIELDS = 4096

#: Numbers of the fields ``raw_input_contents`` and ``raw_output_contents``.
_RAW_INPUT, _RAW_OUTPUT = 7, 6

#: Number of the field ``infer_response`` of a response in a stream.
_RESPONSE = 2

#: Wire types of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_request(message: bytes) -> tuple[pb.ModelInferRequest, list[memoryview]]:
    """A ModelInferRequest without its raw inputs, and those as views of ``message``.

    Raises `ServerError` where ``message`` is no such request, or has its tensors as values rather
    than raw and these are too many.
    """
    try:
        raw, rest = _parted(memoryview(message), _RAW_INPUT, _MOST_FIELDS + 1)
        check_values(sum(map(len, rest)))
        if len(raw) + len(rest) > _MOST_FIELDS:
            raise ServerError(Code.INVALID_ARGUMENT, "the request has too many inputs and outputs")
        return pb.ModelInferRequest.FromString(b"".join(rest)), raw
    except ServerError:
        raise
    except Exception as error:  # DecodeError, of a module that is private to the library
        raise ServerError(
            Code.INVALID_ARGUMENT, "the message is cut short or is no ModelInferRequest"
        ) from error


def write_response(head: pb.ModelInferResponse, raw: Sequence[memoryview]) -> bytes:
    """The bytes of ``head`` with the raw outputs ``raw``, one for each of its outputs."""
    return _joined(head.SerializeToString(), _RAW_OUTPUT, raw)


def write_request(head: pb.ModelInferRequest, raw: Sequence[memoryview]) -> bytes:
    """The bytes of ``head`` with the raw inputs ``raw``, one for each of its inputs."""
    return _joined(head.SerializeToString(), _RAW_INPUT, raw)


def read_response(message: bytes) -> tuple[pb.ModelInferResponse, list[memoryview]]:
    """A ModelInferResponse without its raw outputs, and those as views of ``message``.

    Raises `ServerError` where ``message`` is no such response.
    """
    try:
        raw, rest = _parted(memoryview(message), _RAW_OUTPUT)
        return pb.ModelInferResponse.FromString(b"".join(rest)), raw
    except Exception as error:  # DecodeError, of a module that is private to the library
        raise ServerError(
            Code.INTERNAL, "the message is cut short or is no ModelInferResponse"
        ) from error


def wrap(response: bytes) -> bytes:
    """The bytes of the ModelStreamInferResponse that holds the ModelInferResponse ``response``."""
    return _head(_RESPONSE, response) + response


def _parted(
    view: memoryview, wanted: int, most: int | None = None
) -> tuple[list[memoryview], list[memoryview]]:
    """The values of the fields ``wanted`` of a message, and its other fields whole.

    Of the message only the first ``most`` fields are looked at.
    """
    raw, rest = [], []
    for number, kind, start, body, end in islice(_fields(view), most):
        if number == wanted and kind == _BYTES:
            raw.append(view[body:end])
        else:
            rest.append(view[start:end])
    return raw, rest


def _joined(head: bytes, number: int, raw: Sequence[memoryview]) -> bytes:
    """The bytes of ``head``, and ``raw`` as its fields ``number``."""
    parts: list[bytes | memoryview] = [head]
    for one in raw:
        parts += [_head(number, one), one]
    return b"".join(parts)


def _head(number: int, value: bytes | memoryview) -> bytes:
    """What stands before ``value`` as field ``number``."""
    return bytes([number << 3 | _BYTES]) + _varint(len(value))


def _fields(view: memoryview) -> Iterator[tuple[int, int, int, int, int]]:
    """Each field's number and wire type, and where it, its value and what follows it begin."""
    at, size = 0, len(view)
    while at < size:
        start = at
        key, at = _read_varint(view, at)
        body, kind = at, key & 7
        if kind == _VARINT:
            _, at = _read_varint(view, at)
        elif kind == _FIXED64:
            at += 8
        elif kind == _FIXED32:
            at += 4
        elif kind == _BYTES:
            length, body = _read_varint(view, at)
            at = body + length
        else:
            raise ValueError(f"wire type {kind}")
        if at > size:
            raise ValueError("cut short")
        yield key >> 3, kind, start, body, at


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    """The number at ``at``, and where it ends."""
    value = 0
    for place in range(10):
        byte = view[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number of more than ten bytes")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
