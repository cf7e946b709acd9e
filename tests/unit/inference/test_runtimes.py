from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cytomill.errors import ModelError, OptionError
from cytomill.inference.load import cores, models, runtime
from cytomill.inference.onnxrt import OnnxRuntime, has_cuda
from cytomill.inference.openvino import OpenVino
from cytomill.inference.runtime import Runtime
from cytomill.models.card import Model
from cytomill.models.registry import find
from cytomill.models.weights import Weights
from cytomill.testing import RuntimeTests


@cache
def loaded(kind: str) -> Runtime:
    """A runtime, the same for all tests."""
    if kind == "onnx":
        return on_onnx(find("nuclei"))
    model = find("nuclei")
    return on_openvino(model if kind == "openvino" else replace(model, int8=None))


def on_onnx(model: Model) -> Runtime:
    return OnnxRuntime(model.name, model.weights, 2, cuda=False)


def on_openvino(model: Model) -> Runtime:
    return OpenVino(model.name, model.weights, 2, int8=model.int8)


class TestOpenVino(RuntimeTests):
    @pytest.fixture
    def runtime(self):
        return loaded("openvino")


class TestOpenVinoFloats(RuntimeTests):
    """As on a processor, or of a package, without 8-bit integers."""

    @pytest.fixture
    def runtime(self):
        return loaded("openvino floats")


class TestOnnxRuntime(RuntimeTests):
    @pytest.fixture
    def runtime(self):
        return loaded("onnx")


@pytest.mark.parametrize("load", [on_openvino, on_onnx])
def test_test_tensors_of_the_package_are_reproduced(load):
    model = replace(find("nuclei"), int8=None)
    given, expected = (np.load(model.folder / f"test_{kind}.npy") for kind in ("input", "output"))
    maps = load(model).predict(given)
    apart = np.abs(maps.astype(int) - expected.astype(int))
    assert np.percentile(apart, 99) <= 8  # bfloat16 has three digits
    assert apart.mean() < 1


@pytest.mark.parametrize("load", [on_openvino, on_onnx])
def test_weights_that_are_no_network_are_told(load, tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"not a network")
    weights = Weights(path, "0" * 64)
    model = replace(find("nuclei"), weights=weights, int8=None)
    with pytest.raises(ModelError, match=r"weights.onnx: has SHA-256 .* install the model again"):
        load(model)
    weights = Weights(path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match=r"weights.onnx: \w+ ?\w+ cannot load it"):
        load(replace(model, weights=weights))


def test_a_device_that_is_unknown_or_absent_is_refused():
    with pytest.raises(OptionError, match="must be auto, cpu, cuda"):
        runtime(find("nuclei"), "gpu", 1)  # type: ignore[arg-type]
    if not has_cuda():
        with pytest.raises(OptionError, match="sees no CUDA device; install"):
            runtime(find("nuclei"), "cuda", 1)


def test_auto_is_the_cpu_where_there_is_nothing_else():
    if has_cuda():
        pytest.skip("there may be a CUDA device")
    assert runtime(find("nuclei"), "auto", 10_000).device.startswith("cpu (OpenVINO")


def test_models_are_loaded_once_and_when_asked_for():
    loaded = models("cpu", 1)
    assert loaded["nuclei"] is loaded["nuclei"]
    with pytest.raises(OptionError, match="no model 'cells'; the models are: nuclei"):
        loaded["cells"]


def test_cores_are_those_this_process_may_use():
    assert cores() >= 1


def test_first_inferences_in_several_threads_do_not_wait_for_each_other():
    """Without precautions every third process hangs here."""
    code = """
import os, sys, threading, time
import cytomill.inference.openvino
import openvino
sys.setswitchinterval(1e-6)
start = time.perf_counter() + 0.05
def first():
    while time.perf_counter() < start:
        pass
    openvino.Type.f32.to_dtype()
threads = [threading.Thread(target=first, daemon=True) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join(10) for thread in threads]
os._exit(any(thread.is_alive() for thread in threads))
"""
    for _ in range(5):
        assert subprocess.run([sys.executable, "-c", code], timeout=100).returncode == 0
