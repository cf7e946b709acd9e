"""A described model as a runtime of its own: images go in, finished outputs come out.

Where a network takes normalised tensors of certain sizes, the described model takes the images
themselves, of any size and real data type; padding, cutting and processing happen beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..models.description import Axis, Fixed, Tensor
from .network import Network
from .runtime import Port, Runtime, Tensors
from .stop import Stop


class Described(Runtime):
    """``network`` with the description's own tensors as inputs and outputs."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.name = network.runtime.name
        self.weights, self.device = network.runtime.weights, network.runtime.device
        self.inputs = tuple(
            Port(
                tensor.id,
                np.dtype(tensor.dtype),
                _shape(tensor),
                optional=tensor.optional,
                real=True,
            )
            for tensor in network.description.inputs
        )
        self.outputs = tuple(
            Port(tensor.id, np.dtype(tensor.dtype), _shape(tensor))
            for tensor in network.description.outputs
        )

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`."""
        return self._network.predict(tensors, self.checked(tensors, outputs), stop=stop)


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(_size(axis) for axis in tensor.axes)


def _size(axis: Axis) -> int:
    """What can be padded and cut is of any size, and so is what follows it."""
    free = axis.kind in ("batch", "space", "time")
    return axis.size.size if isinstance(axis.size, Fixed) and not free else -1
