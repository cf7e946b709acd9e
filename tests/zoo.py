"""Model packages of format 0.5 whose small networks compute what is easily told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper

from tests.networks import save

_ZMUV = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}


def package(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    **more: Any,
) -> Path:
    """Write a package; ``tensor`` makes its inputs and outputs."""
    kinds = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32, "int64": TensorProto.INT64}

    def ports(tensors):
        return {one["id"]: (kinds[_dtype(one)], _shape(one["axes"])) for one in tensors}

    save(folder / "net.onnx", nodes, ports(inputs), ports(outputs))
    for one in (*inputs, *outputs):
        np.save(folder / f"{one['id']}.npy", np.zeros(1, np.float32))
    description = {
        "format_version": "0.5.4",
        "type": "model",
        "name": folder.name,
        "version": "1.0",
        "description": "A small network.",
        "license": "MIT",
        "authors": [{"name": "A. Author"}],
        "cite": [{"text": "None", "url": "https://example.com"}],
        "inputs": inputs,
        "outputs": outputs,
        "weights": {"onnx": {"source": "net.onnx", "opset_version": 17}},
        **more,
    }
    (folder / "rdf.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
    return folder


def tensor(
    name: str,
    axes: str = "bcyx",
    channels: tuple[str, ...] = ("channel",),
    *,
    like: str | None = None,
    dtype: str = "float32",
    size: Any = None,
    halo: int = 0,
    scale: float = 1.0,
    um: float | None = None,
    steps: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """An input, or with ``like`` an output whose space is ``scale`` times that of that input.

    ``size`` is that of the axes of space; ``um`` their pixel size.
    """
    made: list[dict[str, Any]] = []
    for letter in axes:
        if letter == "b":
            made.append({"type": "batch"})
        elif letter == "c":
            made.append({"type": "channel", "channel_names": list(channels)})
        elif letter == "t":
            given = {"tensor_id": like, "axis_id": "time"} if like else {"min": 1, "step": 1}
            made.append({"type": "time", "id": "time", "size": given})
        elif letter == "n":
            made.append({"type": "index", "id": "n", "size": {"min": 1}})
        elif letter == "i":
            made.append({"type": "index", "id": "i", "size": size})
        else:
            given = size or {"min": 1, "step": 1}
            axis = {"type": "space", "id": letter, "size": given}
            if like and size is None:
                axis |= {"size": {"tensor_id": like, "axis_id": letter}, "scale": 1 / scale}
                axis |= {"halo": halo} if halo else {}
            if um:
                axis |= {"scale": um / scale, "unit": "micrometer"}
            made.append(axis)
    processing = "postprocessing" if like else "preprocessing"
    return {
        "id": name,
        "axes": made,
        "test_tensor": {"source": f"{name}.npy"},
        "data": {"type": dtype},
        **({processing: list(steps)} if steps else {}),
    }


def probability(folder: Path, **more: Any) -> Path:
    """Bright objects: the sigmoid of twice the mean of 3 x 3 normalised pixels less 1."""
    return package(
        folder,
        [
            helper.make_node(
                "AveragePool", ["raw"], ["mean"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]
            ),
            constant("two", 2.0),
            helper.make_node("Mul", ["mean", "two"], ["twice"]),
            constant("one", 1.0),
            helper.make_node("Sub", ["twice", "one"], ["probability"]),
        ],
        [tensor("raw", steps=(_ZMUV,), **more)],
        [tensor("probability", like="raw", halo=1, steps=({"id": "sigmoid"},), **more)],
    )


def volume(folder: Path) -> Path:
    """Bright objects in stacks: a sigmoid of normalised voxels."""
    whole = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["z", "y", "x"]}}
    return package(
        folder,
        [constant("one", 1.0), helper.make_node("Sub", ["raw", "one"], ["probability"])],
        [tensor("raw", "bczyx", steps=(whole,))],
        [tensor("probability", "bczyx", like="raw", steps=({"id": "sigmoid"},))],
    )


def constant(name: str, value: Any) -> onnx.NodeProto:
    array = np.asarray(value, np.float32) if isinstance(value, float) else np.asarray(value)
    return helper.make_node(
        "Constant", [], [name], name, value=onnx.numpy_helper.from_array(array, name)
    )


def same(
    folder: Path,
    channels: tuple[str, ...] = ("channel",),
    axes: str = "bcyx",
    output: str = "same",
    dtype: str = "float32",
    **more: Any,
) -> Path:
    """The output is the input, under other names of its channels."""
    nodes = [helper.make_node("Identity", ["raw"], [output])]
    given = tensor("raw", axes, tuple(f"in {name}" for name in channels), dtype=dtype)
    return package(
        folder, nodes, [given], [tensor(output, axes, channels, like="raw", dtype=dtype, **more)]
    )


def _dtype(one: dict[str, Any]) -> str:
    return str(one["data"]["type"])


def _shape(axes: list[dict[str, Any]]) -> list[Any]:
    shape: list[Any] = []
    for number, axis in enumerate(axes):
        if axis["type"] == "channel":
            shape.append(len(axis["channel_names"]))
        elif axis["type"] == "batch":
            shape.append("batch")
        else:
            size = axis["size"]
            shape.append(size if isinstance(size, int) else f"{axis['id']}{number}")
    return shape
