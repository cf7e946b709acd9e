"""ONNX Runtime: inference on CUDA devices, and on CPUs where OpenVINO is not to be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Interrupted, ModelError, OptionError
from ..models.weights import Weights
from .runtime import Port, Runtime, Tensors
from .stop import Stop

# The library reports to its makers what it runs on: this must be decided before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

_NO_CUDA = (
    "--device cuda: ONNX Runtime sees no CUDA device; install onnxruntime-gpu and the driver, or "
    "use --device cpu"
)

#: The library's names of element types that NumPy calls otherwise.
_DTYPES = {"float": "float32", "double": "float64", "float16": "float16", "bool": "bool"}


class OnnxRuntime(Runtime):
    """A network in an ONNX Runtime session; ``threads`` counts only on a CPU."""

    def __init__(self, name: str, weights: Weights, threads: int, *, cuda: bool) -> None:
        if cuda and not has_cuda():
            raise OptionError(_NO_CUDA)
        self.name, self.weights = name, weights
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
        self.inputs = tuple(map(_port, self._session.get_inputs()))
        self.outputs = tuple(map(_port, self._session.get_outputs()))

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`."""
        wanted = list(self.checked(tensors, outputs))
        options = onnxruntime.RunOptions()
        stop = Stop() if stop is None else stop  # one that is not set is false
        try:
            with stop.calling(lambda: setattr(options, "terminate", True)):
                found = self._session.run(wanted, dict(tensors), options)
        except Interrupted:
            raise
        except Exception as error:
            if stop:
                raise Interrupted from error
            raise ModelError(f"{self.name}: cannot run ({error})") from error
        return dict(zip(wanted, found, strict=True))


def has_cuda() -> bool:
    """Whether ONNX Runtime was built with CUDA."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _port(node: Any) -> Port:
    kind = node.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    return Port(node.name, np.dtype(_DTYPES.get(kind, kind)), shape)
