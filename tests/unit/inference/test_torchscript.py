from __future__ import annotations

import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cytomill.errors import ModelError, OptionError
from cytomill.inference.runtime import Port
from cytomill.inference.torchscript import TorchScript, has_cuda, ports
from cytomill.models.description import Fixed, Open, Relative, Step
from cytomill.models.weights import Weights
from cytomill.testing import RuntimeTests
from tests.unit.inference.arithmetic import described, follow, tensor

torch = pytest.importorskip("torch")

PLANE = (1, 1, -1, -1)


class Conv(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.second = torch.nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


class AsDict(torch.nn.Module):
    def forward(self, a, b):
        return {"product": a * b, "sum": a + b}


class AsTuple(torch.nn.Module):
    def forward(self, a, b):
        return a + b, a * b


class AsList(torch.nn.Module):
    def forward(self, a, b):
        return [a + b, a * b]


class Maybe(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor | None = None):
        return a if b is None else a + b


class Numbers(torch.nn.Module):
    def forward(self, a):
        return a.to(torch.int64), a.half(), a > 1


def saved(module, folder: Path) -> Weights:
    path = folder / "weights.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return Weights(path, None, "torchscript")


def port(name: str, dtype: str = "float32", shape: tuple[int, ...] = (-1,), **more) -> Port:
    return Port(name, np.dtype(dtype), shape, **more)


@cache
def convolution(folder: Path) -> TorchScript:
    weights = saved(Conv(), folder)
    inputs, outputs = [port("x", shape=PLANE)], [port("y", shape=(1, 2, -1, -1))]
    return TorchScript("conv", weights, 2, inputs=inputs, outputs=outputs)


class TestTorchScript(RuntimeTests):
    @pytest.fixture
    def runtime(self, tmp_path_factory):
        return convolution(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("module", [AsDict, AsTuple, AsList])
def test_outputs_come_by_name_or_in_order(module, tmp_path):
    runtime = TorchScript(
        "pair",
        saved(module(), tmp_path),
        1,
        inputs=[port("a"), port("b")],
        outputs=[port("sum"), port("product")],
    )
    found = runtime.infer({"b": np.float32([5, 6]), "a": np.float32([2, 3])})
    assert found["sum"].tolist() == [7, 9]
    assert found["product"].tolist() == [10, 18]


def test_outputs_have_the_data_types_of_their_ports(tmp_path):
    outputs = [port("a", "int64"), port("b", "float32"), port("c", "uint8")]
    runtime = TorchScript(
        "numbers", saved(Numbers(), tmp_path), 1, inputs=[port("x")], outputs=outputs
    )
    found = runtime.infer({"x": np.float32([1.5, -2])})
    assert [found[name].dtype for name in "abc"] == [np.int64, np.float32, np.uint8]
    assert [found[name].tolist() for name in "abc"] == [[1, -2], [1.5, -2], [1, 0]]


def test_optional_inputs_may_be_left_out(tmp_path):
    inputs = [port("a"), port("b", optional=True)]
    runtime = TorchScript("maybe", saved(Maybe(), tmp_path), 1, inputs=inputs, outputs=[port("y")])
    a = np.float32([1, 2])
    assert runtime.infer({"a": a})["y"].tolist() == [1, 2]
    assert runtime.infer({"a": a, "b": a})["y"].tolist() == [2, 4]


def test_what_the_network_cannot_do_is_told_in_one_line(tmp_path):
    weights = saved(AsTuple(), tmp_path)
    inputs, outputs = [port("a"), port("b")], [port("sum"), port("product")]
    runtime = TorchScript("pair", weights, 1, inputs=inputs, outputs=outputs)
    with pytest.raises(ModelError, match=r"pair: cannot run \(.*size of tensor a") as caught:
        runtime.infer({"a": np.float32([1, 2]), "b": np.float32([1, 2, 3])})
    assert "\n" not in str(caught.value)
    lacks = TorchScript("pair", weights, 1, inputs=inputs, outputs=[*outputs, port("third")])
    with pytest.raises(ModelError, match="gave 2 outputs where its description has 3"):
        lacks.infer({"a": np.float32([1]), "b": np.float32([1])})


def test_weights_of_another_kind_are_told(tmp_path):
    path = tmp_path / "weights.pt"
    for content in (b"", b"no archive"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"weights.pt: is no TorchScript"):
            TorchScript("x", Weights(path, None), 1, inputs=[], outputs=[])
    torch.save(Conv().state_dict(), path)
    with pytest.raises(ModelError, match=r"weights.pt: is no TorchScript") as caught:
        TorchScript("x", Weights(path, None), 1, inputs=[], outputs=[])
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="has SHA-256"):
        TorchScript("x", Weights(path, "0" * 64), 1, inputs=[], outputs=[])


def test_a_cuda_device_that_is_not_there_is_told(tmp_path):
    if has_cuda():
        pytest.skip("there is a CUDA device")
    with pytest.raises(OptionError, match="PyTorch sees no CUDA device"):
        TorchScript("x", saved(Conv(), tmp_path), 1, inputs=[], outputs=[], cuda=True)


def test_ports_are_those_of_the_description():
    cast = Step("ensure_dtype", {"dtype": "float32"})
    inputs = [
        tensor("raw", "bcyx", {"y": Fixed(64)}, dtype="uint16", steps=(cast,)),
        tensor("mask", "byx", {"y": Fixed(32)}, dtype="uint8", optional=True),
        tensor("flags", "b", dtype="float32", steps=(Step("binarize", {"threshold": 1}),)),
        tensor("scaled", "b", dtype="uint8", steps=(Step("scale_linear", {"gain": 2}),)),
    ]
    labels = follow() | {"x": Relative("raw", "x", 0.5)}
    outputs = [
        tensor("p", "bcyx", follow(factor=0.5), steps=(Step("sigmoid"), cast)),
        tensor("labels", "byx", labels, dtype="int32"),
        tensor("count", "b", {"b": Open()}, dtype="int64", steps=(Step("sigmoid"),)),
    ]
    found_in, found_out = ports(described(inputs, outputs))
    assert found_in == (
        port("raw", "float32", (-1, 1, 64, -1)),
        port("mask", "uint8", (-1, 32, -1), optional=True),
        port("flags", "bool", (-1,)),
        port("scaled", "float32", (-1,)),
    )
    assert found_out == (
        port("p", "float32", (-1, 1, 32, -1)),
        port("labels", "int32", (-1, 64, -1)),
        port("count", "float32", (-1,)),
    )


def test_without_pytorch_the_way_out_is_told():
    code = """
import sys
sys.modules["torch"] = None
try:
    import cytomill.inference.torchscript
except Exception as error:
    print(type(error).__name__, error)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert "ModelError" in ran.stdout
    assert "pip install cytomill[torchscript]" in ran.stdout
