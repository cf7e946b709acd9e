"""Values on their way from one consumer to another: data, and no code.

Numbers, text, lists, tuples, dictionaries, arrays, tables, and dataclasses of this package or of
the pipeline's own module. Reading runs no code but the constructors of those dataclasses: who can
write to the bucket cannot have consumers run anything, as they could with pickle.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import PermanentError

_KEY = b"cytomill"
_OWN = __name__.partition(".")[0]

#: Fast, and labels shrink to a tenth.
_COMPRESSION = "lz4"


class NotPortableError(PermanentError):
    """A value that cannot be handed from one consumer to another."""


def dump(value: Any, modules: Collection[str] = ()) -> pa.Buffer:
    """``value`` as bytes; ``modules`` are those whose dataclasses may be in it besides our own.

    Raises `NotPortableError`.
    """
    blobs: list[bytes] = []
    told = json.dumps(_Writer(modules, blobs).tree(value)).encode()
    schema = pa.schema([pa.field("data", pa.large_binary())], {_KEY: told})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=_COMPRESSION)
    with pa.ipc.new_stream(sink, schema, options=options) as stream:
        for blob in blobs:
            stream.write_batch(pa.record_batch([pa.array([blob], pa.large_binary())], schema))
    return sink.getvalue()


def load(data: Any, modules: Collection[str] = ()) -> Any:
    """The value in ``data``, a buffer; its arrays may be written to. Raises `NotPortableError`."""
    with pa.ipc.open_stream(data) as stream:
        tree = json.loads(stream.schema.metadata[_KEY])
        blobs = [memoryview(batch.column(0)[0].as_buffer()) for batch in stream]
    return _Reader(modules, blobs).value(tree)


class _Writer:
    def __init__(self, modules: Collection[str], blobs: list[bytes]) -> None:
        self._modules, self._blobs = modules, blobs

    def tree(self, value: Any) -> Any:
        """What JSON can hold of ``value``; arrays go to the blobs."""
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.ndarray | np.generic):
            return self._array(np.asarray(value), isinstance(value, np.generic))
        if type(value) in (list, tuple):
            return [type(value).__name__, *map(self.tree, value)]
        if type(value) is dict:
            return ["dict", *([self.tree(k), self.tree(v)] for k, v in value.items())]
        if isinstance(value, pa.Table):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, value.schema) as stream:
                stream.write_table(value)
            return ["table", self._blob(sink.getvalue().to_pybytes())]
        kind = type(value)
        if is_dataclass(kind) and _may(kind.__module__, self._modules):
            held = [[f.name, self.tree(getattr(value, f.name))] for f in fields(kind) if f.init]
            return ["class", kind.__module__, kind.__qualname__, *held]
        raise NotPortableError(
            f"the pipeline gives a {kind.__module__}.{kind.__qualname__} for a part of an image, "
            "which cannot be kept; give numbers, text, arrays, tables or dataclasses of them"
        )

    def _array(self, array: np.ndarray[Any, Any], scalar: bool) -> list[Any]:
        if array.dtype.hasobject or array.dtype.names:
            raise NotPortableError(
                f"the pipeline gives an array of {array.dtype} for a part of an image, which "
                "cannot be kept; give one of numbers"
            )
        kind = "scalar" if scalar else "array"
        return [kind, array.dtype.str, list(array.shape), self._blob(array.tobytes())]

    def _blob(self, data: bytes) -> int:
        self._blobs.append(data)
        return len(self._blobs) - 1


class _Reader:
    def __init__(self, modules: Collection[str], blobs: list[memoryview]) -> None:
        self._modules, self._blobs = modules, blobs

    def value(self, tree: Any) -> Any:
        """The value that ``tree`` tells of."""
        if not isinstance(tree, list):
            return tree
        kind, *held = tree
        match kind:
            case "list":
                return list(map(self.value, held))
            case "tuple":
                return tuple(map(self.value, held))
            case "dict":
                return {self.value(key): self.value(value) for key, value in held}
            case "array" | "scalar":
                dtype, shape, blob = held
                array = np.frombuffer(self._blobs[blob], np.dtype(dtype)).reshape(shape).copy()
                return array[()] if kind == "scalar" else array
            case "table":
                return pa.ipc.open_stream(pa.py_buffer(self._blobs[held[0]])).read_all()
            case "class":
                module, name, *pairs = held
                found = self._class(module, name)
                return found(**{field: self.value(value) for field, value in pairs})
        raise NotPortableError(f"what was kept of a part has a {kind!r}; process the image again")

    def _class(self, module: str, name: str) -> Any:
        found: Any = sys.modules.get(module) if _may(module, self._modules) else None
        for part in name.split("."):
            found = getattr(found, part, None)
        if not (isinstance(found, type) and is_dataclass(found)):
            raise NotPortableError(
                f"what was kept of a part is a {module}.{name}, which there is not here; have the "
                "same pipelines on all machines"
            )
        return found


def _may(module: str, modules: Collection[str]) -> bool:
    return module.partition(".")[0] == _OWN or module in modules
