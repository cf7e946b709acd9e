"""OpenVINO: inference on CPUs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Interrupted, ModelError
from ..models.weights import Weights
from .runtime import Port, Runtime, Tensors
from .stop import Stop

# The library asks for consent to telemetry and may send it: this must be decided before its import.
os.environ.setdefault("OPENVINO_TELEMETRY_DISABLE", "1")

# The library does without its converter of models where that is not installed. It is not needed
# here, brings the telemetry, and takes as long to import as all the rest.
_CONVERTER = "openvino.tools.ovc"
_HIDDEN = _CONVERTER not in sys.modules
if _HIDDEN:
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]
try:
    import openvino
finally:
    if _HIDDEN:
        del sys.modules[_CONVERTER]

# The library fills a table of types on first use, and lets go of the interpreter's lock meanwhile:
# two threads whose first inferences coincide would wait for each other for ever.
openvino.Type.f32.to_dtype()


class OpenVino(Runtime):
    """A network compiled for this CPU: ``int8`` where there are such weights and the processor
    computes with them, else ``weights``, in bfloat16 where the processor has it unless ``exact``.

    ``threads`` inferences run side by side, one core each: for many images that is faster than all
    cores on one.
    """

    def __init__(
        self,
        name: str,
        weights: Weights,
        threads: int,
        *,
        int8: Weights | None = None,
        exact: bool = False,
    ) -> None:
        self.name = name
        core = openvino.Core()
        abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        integers = int8 is not None and "INT8" in abilities
        # Between integer layers float32 needs fewer conversions than bfloat16.
        precision = "bf16" if "BF16" in abilities and not integers and not exact else "f32"
        self.device = f"cpu (OpenVINO {'int8' if integers else precision})"
        self.weights = int8 if int8 and integers else weights
        self.weights.check()
        try:
            network = core.read_model(self.weights.path)
            self._compiled = core.compile_model(
                network,
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
                f"{self.weights.path}: OpenVINO cannot load it ({_last(error)})"
            ) from error
        # Compiling may drop a node and leave its name to another as a second one.
        self.inputs = tuple(map(_port, network.inputs))
        self.outputs = tuple(map(_port, network.outputs))
        self._own = local()

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`."""
        wanted = self.checked(tensors, outputs)
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        given = {index: _given(tensors[port.name]) for index, port in enumerate(self.inputs)}
        try:
            if stop is None:
                result = request.infer(given, share_inputs=True, share_outputs=True)
            else:
                with stop.calling(request.cancel):
                    request.start_async(given, share_inputs=True)
                    if stop:
                        request.cancel()  # what was cancelled before it began was not
                    request.wait()
                result = request.results
        except RuntimeError as error:
            if stop:
                raise Interrupted from error
            raise ModelError(f"{self.name}: cannot run ({_last(error)})") from error
        places = {port.name: index for index, port in enumerate(self.outputs)}
        # What `results` holds is a view of the request's memory, which the next call reuses.
        return {name: np.array(result[places[name]]) for name in wanted}


def _given(array: NDArray[np.generic]) -> NDArray[np.generic]:
    # The library copies what is read-only, except single numbers, which it refuses then.
    return np.asarray(array, order="C") if array.ndim else array.copy()


def _port(node: Any) -> Port:
    names = node.get_names()
    shape = tuple(d.get_length() if d.is_static else -1 for d in node.get_partial_shape())
    # A node may have aliases; the shortest is the one the graph declares.
    name = min(names, key=lambda n: (len(n), n)) if names else node.get_node().get_friendly_name()
    return Port(name, np.dtype(node.get_element_type().to_dtype()), shape)


def _last(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
