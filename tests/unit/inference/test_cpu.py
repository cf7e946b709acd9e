"""Which library runs a network on a CPU, where one of the two is not installed."""

from __future__ import annotations

import sys

import pytest

from cytomill.errors import ModelError, OptionError
from cytomill.inference import load
from cytomill.inference.onnxrt import OnnxRuntime
from cytomill.inference.openvino import OpenVino
from cytomill.models.registry import find

OPENVINO = "cytomill.inference.openvino"
ONNX_RUNTIME = "cytomill.inference.onnxrt"

NUCLEI = find("nuclei")


def without(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Have no module of the library until the end of the test."""
    monkeypatch.setitem(sys.modules, library, None)


def test_openvino_comes_first() -> None:
    found = load.runtime(NUCLEI, "cpu", 1)
    assert isinstance(found, OpenVino)


def test_onnx_runtime_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, OPENVINO)
    found = load.runtime(NUCLEI, "cpu", 1)
    assert isinstance(found, OnnxRuntime)
    assert found.weights == NUCLEI.weights  # float32: not those for integers


def test_neither_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, OPENVINO)
    without(monkeypatch, ONNX_RUNTIME)
    with pytest.raises(ModelError, match="neither OpenVINO nor ONNX Runtime is installed"):
        load.runtime(NUCLEI, "cpu", 1)


def test_cuda_needs_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, ONNX_RUNTIME)
    with pytest.raises(OptionError, match="--device cuda: ONNX Runtime is not installed"):
        load.runtime(NUCLEI, "cuda", 1)
    monkeypatch.setattr(load, "_has_driver", lambda: True)
    assert isinstance(load.runtime(NUCLEI, "auto", 1), OpenVino)
