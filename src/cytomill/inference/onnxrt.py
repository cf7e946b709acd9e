"""ONNX Runtime: inference on CUDA devices, and on CPUs where OpenVINO is not to be had."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, OptionError
from ..models.card import Model
from .runtime import Runtime

# The library reports to its makers what it runs on: this must be decided before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

_NO_CUDA = (
    "--device cuda: ONNX Runtime sees no CUDA device; install onnxruntime-gpu and the driver, or "
    "use --device cpu"
)


class OnnxRuntime(Runtime):
    """A model in an ONNX Runtime session; ``threads`` counts only on a CPU."""

    def __init__(self, model: Model, threads: int, *, cuda: bool) -> None:
        if cuda and not has_cuda():
            raise OptionError(_NO_CUDA)
        self.model, self.weights = model, model.weights
        self.weights.check()
        self.device = "cuda (ONNX Runtime)" if cuda else "cpu (ONNX Runtime f32)"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        providers = ["CUDAExecutionProvider"] if cuda else ["CPUExecutionProvider"]
        try:
            self._session = onnxruntime.InferenceSession(
                str(self.weights.path), options, providers=providers
            )
        except Exception as error:  # the library's exceptions share no base class
            raise ModelError(
                f"{self.weights.path}: ONNX Runtime cannot load it ({error})"
            ) from error
        if cuda and "CUDAExecutionProvider" not in self._session.get_providers():
            raise OptionError(_NO_CUDA)  # it would compute on the CPU without a word
        self._input = self._session.get_inputs()[0].name

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.uint8]:
        """See `Runtime.predict`."""
        try:
            maps: NDArray[np.uint8] = self._session.run(None, {self._input: x})[0]
        except Exception as error:
            raise ModelError(f"{self.model.name}: cannot run on {x.shape} ({error})") from error
        return maps


def has_cuda() -> bool:
    """Whether ONNX Runtime was built with CUDA."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
