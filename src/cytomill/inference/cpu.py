"""Which library runs a network on a CPU: OpenVINO; ONNX Runtime where OpenVINO is not installed."""

from __future__ import annotations

from ..errors import ModelError
from ..models.weights import Weights
from .runtime import Runtime


def fast(name: str, weights: Weights, threads: int, int8: Weights | None) -> Runtime:
    """A network as fast as the processor allows, see `OpenVino`; in float32 without OpenVINO.

    Raises `ModelError`.
    """
    try:
        from .openvino import OpenVino
    except ModuleNotFoundError as error:
        return _onnx_runtime(name, weights, threads, error)
    return OpenVino(name, weights, threads, int8=int8)


def exact(name: str, weights: Weights, threads: int) -> Runtime:
    """A network in float32, by the library that can load it. Raises `ModelError`."""
    try:
        from .openvino import OpenVino

        return OpenVino(name, weights, threads, exact=True)
    except (ModelError, ModuleNotFoundError) as error:
        return _onnx_runtime(name, weights, threads, error)


def _onnx_runtime(name: str, weights: Weights, threads: int, why: Exception) -> Runtime:
    try:
        from .onnxrt import OnnxRuntime
    except ModuleNotFoundError as error:
        if isinstance(why, ModelError):
            raise why from error
        raise ModelError(
            f"{name}: neither OpenVINO nor ONNX Runtime is installed; pip install openvino"
        ) from error
    return OnnxRuntime(name, weights, threads, cuda=False)
