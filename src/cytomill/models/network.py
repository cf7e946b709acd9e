"""What a file of weights says of the network's inputs and outputs, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .protobuf import messages, text, whole

#: Element types of ONNX's ``TensorProto.DataType`` and TensorFlow's ``DataType``.
_ONNX = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "str",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}
_TENSORFLOW = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "str",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}

#: The signature of a SavedModel that is run where none is named.
_USUAL = "serving_default"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network: ``shape`` has -1 for sizes that are free."""

    name: str
    dtype: str
    shape: tuple[int, ...]


Ports = tuple[Port, ...]


def onnx_ports(path: Path) -> tuple[Ports, Ports]:
    """Inputs and outputs of the ONNX network ``path``; raises `ModelError`."""
    try:
        return _onnx_ports(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, IndexError, KeyError) as error:
        raise ModelError(f"{path}: is no ONNX network, or is damaged") from error


def saved_model_ports(path: Path) -> tuple[Ports, Ports]:
    """Inputs and outputs of a TensorFlow ``saved_model.pb``; raises `ModelError`."""
    try:
        for graph in messages(path.read_bytes(), 2):
            signatures = _entries(messages(graph, 5))
            if _USUAL in signatures:
                signature = signatures[_USUAL]
                return _tensors(messages(signature, 1)), _tensors(messages(signature, 2))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, IndexError, KeyError) as error:
        raise ModelError(f"{path}: is no TensorFlow SavedModel, or is damaged") from error
    raise ModelError(f"{path}: has no signature {_USUAL!r}, which servers call")


def _onnx_ports(data: bytes) -> tuple[Ports, Ports]:
    (graph,) = messages(data, 7)
    # Before IR version 4 weights were listed among the inputs.
    given = {text(weight, 8) for weight in messages(graph, 5)}
    inputs = tuple(map(_value, messages(graph, 11)))
    outputs = tuple(map(_value, messages(graph, 12)))
    if not inputs or not outputs:
        raise ValueError("no inputs or outputs")
    return tuple(port for port in inputs if port.name not in given), outputs


def _value(data: memoryview) -> Port:
    """A ``ValueInfoProto``."""
    tensor = messages(messages(data, 2)[-1], 1)[-1]
    sizes = (
        whole(dimension, 1) for shape in messages(tensor, 2) for dimension in messages(shape, 1)
    )
    # A dimension with a name, or with nothing, is free; so is one of size 0.
    return Port(text(data, 1), _ONNX[whole(tensor, 1) or 0], tuple(size or -1 for size in sizes))


def _entries(pairs: Iterable[memoryview]) -> Mapping[str, memoryview]:
    """A map field."""
    return {text(pair, 1): messages(pair, 2)[-1] for pair in pairs}


def _tensors(pairs: Iterable[memoryview]) -> Ports:
    """The map from names to ``TensorInfo`` of a signature."""
    return tuple(_tensor(name, info) for name, info in sorted(_entries(pairs).items()))


def _tensor(name: str, info: memoryview) -> Port:
    dimensions = (dimension for shape in messages(info, 3) for dimension in messages(shape, 2))
    sizes = (whole(dimension, 1) for dimension in dimensions)
    return Port(name, _TENSORFLOW[whole(info, 2) or 0], tuple(size or -1 for size in sizes))
