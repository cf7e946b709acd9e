"""Tensors of the Open Inference Protocol: its data types, and arrays to and from their bytes.

Bytes are the elements in row-major order, little-endian. ``BYTES`` elements are each a length in
four bytes and that many bytes; their arrays hold Python ``bytes``. ``BF16`` is the upper half of a
float32, as which it is read; no array is written in it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .request import Code, ServerError

Buffer = bytes | bytearray | memoryview

#: The protocol's name of each data type, with NumPy's.
_NAMES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
_DTYPES = {name: np.dtype(dtype) for name, dtype in _NAMES.items()}
_DATATYPES = {dtype: name for name, dtype in _DTYPES.items()}

#: NumPy's own limit.
_MOST_AXES = 64

#: Bytes of a message that are not raw tensors, and elements of an output as JSON. Values become
#: objects of many times their size, one by one, while nobody else is served: a second of that.
_MOST_VALUES = 32 * 2**20
_MOST_LISTED = 2 * 2**20


def datatype(dtype: np.dtype[np.generic]) -> str:
    """The protocol's name of ``dtype``: ``"FP32"``; object arrays and strings are ``"BYTES"``."""
    return _DATATYPES.get(dtype, "BYTES")


def count(name: str, shape: Sequence[int]) -> int:
    """The elements of a tensor ``name`` of ``shape``; raises `ServerError` where none has it."""
    if len(shape) > _MOST_AXES or any(not 0 <= size < 2**31 for size in shape):
        told = ", ".join(map(str, shape[:8])) + (", …" if len(shape) > 8 else "")
        raise _bad(f"input {name!r}: shape [{told}] is not one of a tensor")
    return math.prod(shape)


def check_values(size: int) -> None:
    """Raise `ServerError` where ``size`` bytes of a message are too many not to be raw tensors."""
    if size > _MOST_VALUES:
        raise ServerError(
            Code.RESOURCE_EXHAUSTED,
            f"{size} bytes of the request are not raw tensors, at most {_MOST_VALUES} may be; send "
            "large tensors as raw or binary data, or in shared memory",
        )


def from_raw(name: str, kind: str, shape: Sequence[int], raw: Buffer) -> NDArray[np.generic]:
    """The array of ``shape`` whose elements ``raw`` holds: a view of it, except for BYTES and BF16.

    ``name`` is that of the input and ``kind`` its data type in the protocol's words. Raises
    `ServerError` for an unknown data type and where ``raw`` is too long or too short.
    """
    size = count(name, shape)
    if kind == "BYTES":
        return _from_elements(name, shape, _split(name, raw, size))
    dtype = np.dtype(np.uint16) if kind == "BF16" else _dtype(name, kind)
    if len(raw) != size * dtype.itemsize:
        sizes = " x ".join(map(str, shape)) or "one element"
        raise _bad(
            f"input {name!r}: {kind} of {sizes} takes {size * dtype.itemsize} bytes, "
            f"its data are {len(raw)}"
        )
    if not size:
        return np.zeros(shape, np.float32 if kind == "BF16" else dtype)
    array: NDArray[Any] = np.frombuffer(raw, dtype).reshape(shape)
    if kind == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    array.flags.writeable = False
    return array


def from_values(
    name: str, kind: str, shape: Sequence[int], values: Sequence[Any]
) -> NDArray[np.generic]:
    """The array of ``shape`` of ``values``: numbers, flags, or bytes and text for BYTES.

    Values may be nested lists, in row-major order. Raises `ServerError` for values of another kind
    than the data type, beyond its range, or of another number than ``shape`` says.
    """
    size = count(name, shape)
    if kind == "BYTES":
        elements = _flat(values)
        if any(not isinstance(element, (bytes, str)) for element in elements):
            raise _bad(f"input {name!r}: the values of BYTES are strings")
        if len(elements) != size:
            raise _miscounted(name, size, len(elements))
        texts = [e.encode() if isinstance(e, str) else e for e in elements]
        return _from_elements(name, shape, texts)
    dtype = np.dtype(np.float32) if kind == "BF16" else _dtype(name, kind)
    try:
        found = np.asarray(values)
    except (ValueError, OverflowError) as error:
        raise _bad(f"input {name!r}: its values are not an array of numbers") from error
    if found.size != size:
        raise _miscounted(name, size, found.size)
    if size == 0:
        return np.zeros(shape, dtype)
    if found.dtype.kind not in {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}[dtype.kind]:
        raise _bad(f"input {name!r}: its values are not of data type {kind}")
    with np.errstate(over="ignore"):
        array = found.astype(dtype).reshape(shape)
    exact = dtype.kind == "f" or np.array_equal(array.ravel(), found.ravel())
    if not exact or (dtype.kind == "f" and not np.isfinite(array).all() and _finite(found)):
        raise _bad(f"input {name!r}: a value is beyond the range of {kind}")
    return array


def to_raw(array: NDArray[np.generic]) -> memoryview:
    """The bytes of ``array``: a view of its memory where that is in row-major order."""
    if datatype(array.dtype) != "BYTES":
        # NumPy gives no plain buffer of an array without elements.
        plain = np.ascontiguousarray(array).reshape(-1)
        return plain.view(np.uint8).data if array.size else memoryview(b"")
    elements = [_bytes(element) for element in array.ravel()]
    return memoryview(b"".join(struct.pack("<I", len(e)) + e for e in elements))


def to_values(array: NDArray[np.generic]) -> list[Any]:
    """The elements of ``array`` in row-major order, as JSON has them.

    Raises `ServerError` for what JSON cannot say: numbers that are not finite, bytes that are not
    text, and more than two million elements.
    """
    if array.size > _MOST_LISTED:
        raise ServerError(
            Code.RESOURCE_EXHAUSTED,
            f"an output has {array.size} elements, at most {_MOST_LISTED} are written as JSON; ask "
            "for it with binary_data",
        )
    if datatype(array.dtype) == "BYTES":
        try:
            return [_bytes(element).decode() for element in array.ravel()]
        except UnicodeDecodeError as error:
            raise _unsayable("bytes that are not UTF-8 text") from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _unsayable("values that are not finite")
    listed: list[Any] = array.ravel().tolist()
    return listed


def _dtype(name: str, kind: str) -> np.dtype[np.generic]:
    if kind not in _DTYPES:
        known = ", ".join([*_DTYPES, "BF16", "BYTES"])
        raise _bad(f"input {name!r}: no data type {kind!r}; there are {known}")
    return _DTYPES[kind]


def _split(name: str, raw: Buffer, size: int) -> list[bytes]:
    """The elements of BYTES."""
    view, at = memoryview(raw), 0
    elements: list[bytes] = []
    while at < len(view) and len(elements) < size:
        if at + 4 > len(view):
            break
        (length,) = struct.unpack_from("<I", view, at)
        if at + 4 + length > len(view):
            break
        elements.append(bytes(view[at + 4 : at + 4 + length]))
        at += 4 + length
    if len(elements) != size or at != len(view):
        raise _bad(
            f"input {name!r}: its data are not {size} elements of BYTES, each a length in four "
            f"bytes and that many bytes"
        )
    return elements


def _from_elements(
    name: str, shape: Sequence[int], elements: Sequence[bytes]
) -> NDArray[np.generic]:
    array = np.empty(len(elements), object)
    array[:] = elements
    return array.reshape(shape)


def _flat(values: Any) -> list[Any]:
    if not isinstance(values, (list, tuple)):
        return [values]
    if not any(isinstance(value, (list, tuple)) for value in values):
        return list(values)
    return [one for value in values for one in _flat(value)]


def _finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _bytes(element: Any) -> bytes:
    return element if isinstance(element, bytes) else str(element).encode()


def _miscounted(name: str, size: int, found: int) -> ServerError:
    return _bad(f"input {name!r}: its shape has {size} elements, its data {found}")


def _unsayable(what: str) -> ServerError:
    return ServerError(
        Code.INVALID_ARGUMENT,
        f"an output has {what}, which JSON cannot say; ask for it with binary_data",
    )


def _bad(message: str) -> ServerError:
    return ServerError(Code.INVALID_ARGUMENT, message)
