"""OpenVINO: inference on CPUs."""

from __future__ import annotations

import os
from threading import local

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.card import Model
from .runtime import Runtime

# The library asks for consent to telemetry and may send it: this must be decided before its import.
os.environ.setdefault("OPENVINO_TELEMETRY_DISABLE", "1")

import openvino

# The library fills a table of types on first use, and lets go of the interpreter's lock meanwhile:
# two threads whose first inferences coincide would wait for each other for ever.
openvino.Type.f32.to_dtype()


class OpenVino(Runtime):
    """A model compiled for this CPU: in 8-bit integers where the package has such weights, else in
    bfloat16 where the processor computes in it, else in float32.

    ``threads`` inferences run side by side, one core each: for many images that is faster than all
    cores on one.
    """

    def __init__(self, model: Model, threads: int) -> None:
        self.model = model
        core = openvino.Core()
        abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        integers = model.int8 is not None and "INT8" in abilities
        # Between integer layers float32 needs fewer conversions than bfloat16.
        precision = "bf16" if "BF16" in abilities and not integers else "f32"
        self.device = f"cpu (OpenVINO {'int8' if integers else precision})"
        self.weights = model.int8 if model.int8 and integers else model.weights
        self.weights.check()
        try:
            self._compiled = core.compile_model(
                core.read_model(self.weights.path),
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": precision,
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "NUM_STREAMS": threads,
                    "INFERENCE_NUM_THREADS": threads,
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise ModelError(
                f"{self.weights.path}: OpenVINO cannot load it ({_first(error)})"
            ) from error
        self._own = local()

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.uint8]:
        """See `Runtime.predict`."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        try:
            result = request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)
        except RuntimeError as error:
            raise ModelError(
                f"{self.model.name}: cannot run on {x.shape} ({_first(error)})"
            ) from error
        maps: NDArray[np.uint8] = result[0]
        return maps


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
