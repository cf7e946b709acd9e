from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from cytomill.inference.described import Described
from cytomill.inference.load import package_runtime, views
from cytomill.inference.network import Network
from cytomill.inference.onnxrt import OnnxRuntime
from cytomill.models.description import Fixed, Step
from cytomill.models.weights import Weights
from cytomill.testing import RuntimeTests
from tests.networks import save
from tests.unit.inference.arithmetic import described, follow, tensor

NORMALISED = (
    Step("ensure_dtype", {"dtype": "float32"}),
    Step("zero_mean_unit_variance", {"axes": ["y", "x"]}),
)


def edges(folder: Path) -> Weights:
    """A convolution of three pixels each way, of images of 32 x 24 pixels."""
    kernel = np.float32([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]).reshape(1, 1, 3, 3)
    shape = (TensorProto.FLOAT, [1, 1, 32, 24])
    nodes = [
        helper.make_node("Constant", [], ["k"], value=onnx.numpy_helper.from_array(kernel)),
        helper.make_node("Conv", ["x", "k"], ["y"], pads=[1, 1, 1, 1]),
    ]
    return Weights(save(folder / "edges.onnx", nodes, {"x": shape}, {"y": shape}), None)


def package(folder: Path):
    sizes = {"y": Fixed(32), "x": Fixed(24)}
    steps = (Step("binarize", {"threshold": 1}),)
    made = described(
        [tensor("raw", "bcyx", sizes, dtype="uint16", steps=NORMALISED)],
        [tensor("edges", "bcyx", follow(), halo=1, dtype="uint8", steps=steps)],
    )
    return made, edges(folder)


@cache
def runtime_of(folder: Path) -> Described:
    made, weights = package(folder)
    return Described(Network(made, OnnxRuntime("edges", weights, 1, cuda=False), 2))


class TestDescribed(RuntimeTests):
    @pytest.fixture
    def runtime(self, tmp_path_factory):
        return runtime_of(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float64, bool])
def test_images_of_any_size_and_data_type_are_taken(dtype, tmp_path):
    runtime = runtime_of(tmp_path)
    x = (np.indices((3, 1, 70, 50)).sum(0) % 7).astype(dtype)
    found = runtime.infer({"raw": x})["edges"]
    assert found.shape == x.shape
    assert found.dtype == np.uint8
    y = (x - x.mean((2, 3), keepdims=True)) / x.std((2, 3), keepdims=True)
    y = np.pad(y, [(0, 0), (0, 0), (1, 1), (1, 1)])
    sums = y[..., :-2, 1:-1] + y[..., 2:, 1:-1] + y[..., 1:-1, :-2] + y[..., 1:-1, 2:]
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    expected = 4 * y[inner] - sums
    sure = np.abs(expected - 1) > 1e-3
    assert np.array_equal(found[sure], (expected > 1)[sure])


def test_ports_are_those_of_the_description(tmp_path):
    runtime = runtime_of(tmp_path)
    (raw,), (found,) = runtime.inputs, runtime.outputs
    assert (raw.name, raw.dtype, raw.shape, raw.real) == ("raw", np.uint16, (-1, 1, -1, -1), True)
    assert (found.name, found.dtype, found.shape) == ("edges", np.uint8, (-1, 1, -1, -1))


def test_a_described_model_has_two_views(tmp_path):
    made, weights = package(tmp_path)
    found = views(replace(made, weights=(weights,)), "cpu", 2)
    assert list(found) == ["", ".pixels"]
    assert [port.name for port in found[""].inputs] == ["x"]
    assert isinstance(found[".pixels"], Described)
    assert found[""].device == "cpu (OpenVINO f32)"
    assert package_runtime(replace(made, weights=(weights,)), "onnx", "cpu", 1).name == made.name
