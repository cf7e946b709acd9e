"""Small model packages for tests."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml

V05: dict[str, Any] = {
    "format_version": "0.5.4",
    "type": "model",
    "name": "Small Net",
    "version": "1.10",
    "description": "A network of one layer.",
    "license": "MIT",
    "authors": [{"name": "A. Author"}],
    "cite": [{"text": "A paper", "doi": "10.1/2"}],
    "inputs": [
        {
            "id": "raw",
            "axes": [
                {"type": "batch"},
                {"type": "channel", "channel_names": ["dapi"]},
                {"type": "space", "id": "y", "size": {"min": 8, "step": 4}},
                {"type": "space", "id": "x", "size": {"min": 8, "step": 4}},
            ],
            "test_tensor": {"source": "in.npy"},
            "preprocessing": [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}],
        }
    ],
    "outputs": [
        {
            "id": "mask",
            "axes": [
                {"type": "batch"},
                {"type": "channel", "channel_names": ["mask"]},
                {"type": "space", "id": "y", "size": {"tensor_id": "raw", "axis_id": "y"}},
                {"type": "space", "id": "x", "size": {"tensor_id": "raw", "axis_id": "x"}},
            ],
            "test_tensor": {"source": "out.npy"},
        }
    ],
    "weights": {"onnx": {"source": "net.onnx", "opset_version": 17}},
}

V04: dict[str, Any] = {
    "format_version": "0.4.9",
    "type": "model",
    "name": "Small Net",
    "version": "1.10",
    "description": "A network of one layer.",
    "license": "MIT",
    "authors": [{"name": "A. Author"}],
    "inputs": [
        {
            "name": "raw",
            "axes": "bcyx",
            "data_type": "float32",
            "shape": {"min": [1, 1, 8, 8], "step": [0, 0, 4, 4]},
            "preprocessing": [
                {"name": "zero_mean_unit_variance", "kwargs": {"mode": "per_sample", "axes": "yx"}}
            ],
        }
    ],
    "outputs": [
        {
            "name": "mask",
            "axes": "bcyx",
            "data_type": "float32",
            "shape": {
                "reference_tensor": "raw",
                "scale": [1, 1, 1, 1],
                "offset": [0, 0, 0, 0],
            },
        }
    ],
    "test_inputs": ["in.npy"],
    "test_outputs": ["out.npy"],
    "weights": {"onnx": {"source": "net.onnx"}},
}


def network(path: Path, free: bool = True) -> Path:
    """Write an ONNX network that doubles its input, of any size or of 1 x 1 x 8 x 8."""
    from onnx import TensorProto, checker, helper, save

    shape = ["n", 1, "y", "x"] if free else [1, 1, 8, 8]
    two = helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["image", "two"], ["doubled"])],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("doubled", TensorProto.FLOAT, shape)],
        [two],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    save(model, path)
    return path


def package(folder: Path, description: dict[str, Any], name: str = "rdf.yaml") -> Path:
    """Write a package whose files are stand-ins of the right names; returns its description."""
    folder.mkdir(parents=True, exist_ok=True)
    values = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)
    np.save(folder / "in.npy", values)
    np.save(folder / "out.npy", values)
    if not (folder / "net.onnx").exists():
        (folder / "net.onnx").write_bytes(b"\x08\x09network")
    path = folder / name
    path.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return path


def changed(description: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a description with ``inputs.0.axes.2.size`` set; a value of None removes it."""
    made = copy.deepcopy(description)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = made
    for part in parents:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    if value is None:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return made


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
