"""Small networks as ONNX files, of which it is known what they compute."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper


def save(path: Path, nodes: list[onnx.NodeProto], inputs: dict, outputs: dict) -> Path:
    """Write a network; tensors are ``name=(type, shape)``, a word in a shape is any size."""

    def ports(tensors):
        return [
            helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in tensors.items()
        ]

    graph = helper.make_graph(nodes, path.stem, ports(inputs), ports(outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def double(path: Path) -> Path:
    """``y`` is twice ``x``, float32 of any (batch, columns)."""
    tensor = (TensorProto.FLOAT, ["batch", "columns"])
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return save(path, nodes, {"x": tensor}, {"y": tensor})


def pair(path: Path) -> Path:
    """``sum`` is a + b and ``product`` a * b, of float32 (batch, 3)."""
    tensor = (TensorProto.FLOAT, ["batch", 3])
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Mul", ["a", "b"], ["product"]),
    ]
    return save(path, nodes, {"a": tensor, "b": tensor}, {"sum": tensor, "product": tensor})


def root(path: Path) -> Path:
    """``y`` is the square root of ``x``, NaN where that is negative."""
    tensor = (TensorProto.FLOAT, ["batch", "columns"])
    return save(path, [helper.make_node("Sqrt", ["x"], ["y"])], {"x": tensor}, {"y": tensor})


def same(path: Path, kind: int) -> Path:
    """``y`` is ``x``, whole numbers or flags of any shape (batch, columns)."""
    tensor = (kind, ["batch", "columns"])
    return save(path, [helper.make_node("Identity", ["x"], ["y"])], {"x": tensor}, {"y": tensor})


def slow(path: Path, layers: int = 60) -> Path:
    """Convolutions, one after the other, over ``x`` (1, 8, height, width): seconds for 1500 x 1500.

    Each leaves its input as it is, so that ``y`` is ``x``.
    """
    kernel = np.zeros((8, 8, 5, 5), np.float32)
    kernel[range(8), range(8), 2, 2] = 1
    weights = helper.make_node(
        "Constant", [], ["w"], value=onnx.numpy_helper.from_array(kernel, "w")
    )
    names = ["x", *(f"h{number}" for number in range(layers - 1)), "y"]
    nodes = [
        helper.make_node("Conv", [one, "w"], [other], pads=[2, 2, 2, 2])
        for one, other in pairwise(names)
    ]
    tensor = (TensorProto.FLOAT, [1, 8, "height", "width"])
    return save(path, [weights, *nodes], {"x": tensor}, {"y": tensor})
