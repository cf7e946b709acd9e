"""Messages of ModelInfer: bytes to a request, an answer to bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2 as pb

from . import codec, wire
from .parameters import Wanted, known, once, place, terms
from .request import Answer, Code, Request, ServerError
from .shared_memory import Regions

#: The typed field that holds the values of each data type; the others have none.
_FIELDS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}

#: Asks a stream for a last response without outputs; here each response is the last of its request.
_FINAL = "triton_enable_empty_final_response"


def read_request(
    message: bytes, remaining: float | None, regions: Regions
) -> tuple[Request, tuple[Wanted, ...] | None]:
    """The request in ``message`` and the outputs it names, if any.

    Its client waits ``remaining`` seconds, or for ever. Raw inputs become views of ``message``.
    Raises `ServerError`.
    """
    told, raw = wire.read_request(message)
    parameters = _plain(told.parameters)
    parameters.pop(_FINAL, None)
    conditions = terms(parameters, remaining)
    once((one.name for one in told.inputs), "input")
    once((one.name for one in told.outputs), "output")
    rest = iter(raw)
    inputs = {one.name: _input(one, rest, bool(raw), regions) for one in told.inputs}
    if left := sum(1 for _ in rest):
        raise _bad(f"raw_input_contents has {left} more entries than inputs that need one")
    wanted = tuple(_output(one) for one in told.outputs)
    request = Request(
        told.model_name,
        told.model_version,
        told.id,
        inputs,
        tuple(one.name for one in wanted) or None,
        conditions.priority,
        conditions.deadline,
        conditions.others,
    )
    return request, wanted or None


def write_answer(
    answer: Answer, wanted: Sequence[Wanted] | None, regions: Regions, *, final: bool = False
) -> bytes:
    """The ModelInferResponse of ``answer``; ``final`` marks it as the last of its request.

    Raises `ServerError` for outputs that do not fit into their place in shared memory.
    """
    head = pb.ModelInferResponse(
        model_name=answer.model, model_version=answer.version, id=answer.id
    )
    if final:
        head.parameters["triton_final_response"].bool_param = True
    raw = []
    for one in wanted or [Wanted(name) for name in answer.outputs]:
        array = answer.outputs[one.name]
        told = head.outputs.add(
            name=one.name, datatype=codec.datatype(array.dtype), shape=array.shape
        )
        data = codec.to_raw(array)
        if one.place is not None:
            regions.write(one.place, data)
            told.parameters["shared_memory_region"].string_param = one.place.region
            told.parameters["shared_memory_offset"].int64_param = one.place.offset
            told.parameters["shared_memory_byte_size"].int64_param = len(data)
            data = memoryview(b"")  # clients count outputs and raw contents alike
        raw.append(data)
    return wire.write_response(head, raw)


def _input(
    told: Any, raw: Iterator[memoryview], has_raw: bool, regions: Regions
) -> NDArray[np.generic]:
    what, shape = f"input {told.name!r}", list(told.shape)
    parameters = _plain(told.parameters)
    known(parameters, (), what)
    shared = place(parameters, what)
    typed = told.HasField("contents")
    if typed and (shared is not None or has_raw):
        raise _bad(f"{what}: has contents besides raw_input_contents or shared memory")
    if shared is not None:
        data = regions.read(shared)
        return codec.from_raw(told.name, told.datatype, shape, data)
    if not has_raw:
        return _typed(told, shape)
    one = next(raw, None)
    if one is None:
        raise _bad(f"{what}: has no data, raw_input_contents has too few entries")
    return codec.from_raw(told.name, told.datatype, shape, one)


def _typed(told: Any, shape: Sequence[int]) -> NDArray[np.generic]:
    field = _FIELDS.get(told.datatype)
    if field is None and told.datatype in ("FP16", "BF16"):
        raise _bad(f"input {told.name!r}: {told.datatype} has no typed contents; send it raw")
    values = list(getattr(told.contents, field)) if field else []
    return codec.from_values(told.name, told.datatype, shape, values)


def _output(told: Any) -> Wanted:
    what = f"output {told.name!r}"
    parameters = _plain(told.parameters)
    known(parameters, (), what)
    return Wanted(told.name, place(parameters, what))


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters without their wrapping; one without a value is None."""
    return {
        name: getattr(value, choice) if (choice := value.WhichOneof("parameter_choice")) else None
        for name, value in parameters.items()
    }


def _bad(message: str) -> ServerError:
    return ServerError(Code.INVALID_ARGUMENT, message)
