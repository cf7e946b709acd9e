"""The network that every peer serves: an ONNX file in OpenVINO, one thread for each inference."""

from __future__ import annotations

import os
from threading import local

import numpy as np
import openvino


class Network:
    """``NETWORK`` in the environment is the file, ``THREADS`` how many inferences run at once."""

    def __init__(self, streams: int | None = None) -> None:
        threads = streams or int(os.environ["THREADS"])
        core = openvino.Core()
        self._compiled = core.compile_model(
            core.read_model(os.environ["NETWORK"]),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "THROUGHPUT",
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._own = local()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The first output for the only input ``x``."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        return np.array(self._own.request.infer({0: x}, share_inputs=True, share_outputs=True)[0])
