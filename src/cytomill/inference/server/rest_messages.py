"""Bodies of infer requests and answers over REST: JSON, and the binary tensor data extension.

A body with binary data is the JSON followed by the bytes of its tensors, in their order; the header
``Inference-Header-Content-Length`` says how long the JSON is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import codec
from .parameters import Wanted, known, once, place, terms
from .request import Answer, Code, Request, ServerError
from .shared_memory import Regions

_Kind = TypeVar("_Kind")

#: What JSON calls the types of Python.
_WORDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}


def read_object(text: codec.Buffer) -> dict[str, Any]:
    """The JSON object ``text``; nothing stands for an empty one. Raises `ServerError`."""
    codec.check_values(len(text))
    if not len(text):
        return {}
    try:
        found = json.loads(bytes(text), parse_constant=_not_json)
    except RecursionError as error:
        raise _bad("the body is JSON of too many levels") from error
    except ValueError as error:
        raise _bad(f"the body is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise _bad("the body is not a JSON object")
    return found


def read_request(
    model: str, version: str, body: codec.Buffer, header: str | None, regions: Regions
) -> tuple[Request, tuple[Wanted, ...] | None, bool]:
    """A request for ``model``, the outputs it names if any, and whether others come as bytes.

    ``header`` is the value of ``Inference-Header-Content-Length``. The arrays are views of ``body``
    where they came as bytes. Raises `ServerError`.
    """
    data = memoryview(body)
    length = len(data)
    if header is not None:
        length = int(header) if header.isascii() and header.isdigit() else -1
        if not 0 < length <= len(data):
            raise _bad(
                f"Inference-Header-Content-Length is {header[:32]!r}, the body has {len(data)} "
                "bytes"
            )
    told = read_object(data[:length])
    parameters = dict(_get(told, "parameters", dict, {}))
    default = _flag(parameters, "binary_data_output")
    conditions = terms(parameters)
    inputs, data = {}, data[length:]
    listed = _get(told, "inputs", list)
    once((_get(_object(one), "name", str) for one in listed), "input")
    for one in listed:
        inputs[one["name"]], data = _input(one, data, regions)
    if len(data):
        raise _bad(f"the body has {len(data)} bytes beyond the data of its inputs")
    wanted = tuple(_output(_object(one), default) for one in _get(told, "outputs", list, []))
    once((one.name for one in wanted), "output")
    request = Request(
        model,
        version,
        _get(told, "id", str, ""),
        inputs,
        tuple(one.name for one in wanted) or None,
        conditions.priority,
        conditions.deadline,
        conditions.others,
    )
    return request, wanted or None, default


def write_answer(
    answer: Answer, wanted: Sequence[Wanted] | None, binary: bool, regions: Regions
) -> tuple[bytes, list[memoryview]]:
    """The JSON of ``answer`` and the bytes that follow it.

    Where ``wanted`` is None every output comes, as bytes if ``binary``. Raises `ServerError` for
    values that JSON cannot say and outputs that do not fit into their place in shared memory.
    """
    outputs, raw = [], []
    for one in wanted or [Wanted(name, None, binary) for name in answer.outputs]:
        array = answer.outputs[one.name]
        told: dict[str, Any] = {
            "name": one.name,
            "datatype": codec.datatype(array.dtype),
            "shape": list(array.shape),
        }
        if one.place is not None:
            data = codec.to_raw(array)
            regions.write(one.place, data)
            told["parameters"] = {
                "shared_memory_region": one.place.region,
                "shared_memory_offset": one.place.offset,
                "shared_memory_byte_size": len(data),
            }
        elif one.binary:
            raw.append(codec.to_raw(array))
            told["parameters"] = {"binary_data_size": len(raw[-1])}
        else:
            told["data"] = codec.to_values(array)
        outputs.append(told)
    head = {"model_name": answer.model, "model_version": answer.version, "outputs": outputs}
    if answer.id:
        head["id"] = answer.id
    return json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode(), raw


def _input(
    told: dict[str, Any], data: memoryview, regions: Regions
) -> tuple[NDArray[np.generic], memoryview]:
    """An input, and what it leaves of the bytes behind the JSON."""
    name = told["name"]
    kind, shape = _get(told, "datatype", str), _get(told, "shape", list)
    if any(not isinstance(size, int) or isinstance(size, bool) for size in shape):
        raise _bad(f"input {name!r}: its shape is not a list of whole numbers")
    parameters = _get(told, "parameters", dict, {})
    known(parameters, ("binary_data_size",), f"input {name!r}")
    shared = place(parameters, f"input {name!r}")
    sources = ("data" in told) + ("binary_data_size" in parameters) + (shared is not None)
    if sources != 1:
        raise _bad(f"input {name!r}: needs one of data, binary_data_size, shared_memory_region")
    if shared is not None:
        return codec.from_raw(name, kind, shape, regions.read(shared)), data
    if "data" in told:
        return codec.from_values(name, kind, shape, _get(told, "data", list)), data
    size = parameters["binary_data_size"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(data):
        raise _bad(
            f"input {name!r}: binary_data_size is {size!r}, {len(data)} bytes of the body are left"
        )
    return codec.from_raw(name, kind, shape, data[:size]), data[size:]


def _output(told: dict[str, Any], default: bool) -> Wanted:
    name = _get(told, "name", str)
    parameters = dict(_get(told, "parameters", dict, {}))
    binary = _flag(parameters, "binary_data", default)
    known(parameters, (), f"output {name!r}")
    return Wanted(name, place(parameters, f"output {name!r}"), binary)


def _get(
    told: Mapping[str, Any], name: str, kind: type[_Kind], default: _Kind | None = None
) -> _Kind:
    """The value ``name`` of the object ``told``, which is of that ``kind``."""
    if name not in told:
        if default is not None:
            return default
        raise _bad(f"{name!r} is missing, {_WORDS[kind]}")
    value = told[name]
    if not isinstance(value, kind):
        raise _bad(f"{name!r} must be {_WORDS[kind]} and is {json.dumps(value)[:64]}")
    return value


def _flag(parameters: dict[str, Any], name: str, default: bool = False) -> bool:
    """Take the flag ``name`` out of ``parameters``."""
    found = _get(parameters, name, bool, default)
    parameters.pop(name, None)
    return found


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad("inputs and outputs are lists of objects")
    return value


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _bad(message: str) -> ServerError:
    return ServerError(Code.INVALID_ARGUMENT, message)
