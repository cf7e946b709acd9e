"""The contract of a runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, RLock

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.weights import Weights
from .stop import Stop

#: Named arrays: what goes into a network and what comes out of it.
Tensors = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network: its shape has -1 where any size will do.

    An ``optional`` input may be left out. ``real`` inputs take booleans, integers and floats of any
    width, whatever their ``dtype`` is.
    """

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    optional: bool = False
    real: bool = False

    def takes(self, dtype: np.dtype[np.generic]) -> bool:
        """Whether elements of ``dtype`` will do."""
        return dtype == self.dtype or (self.real and dtype.kind in "buif")

    def admits(self, shape: Sequence[int]) -> bool:
        """Whether an array of ``shape`` fits."""
        return len(shape) == len(self.shape) and all(
            own in (-1, size) for own, size in zip(self.shape, shape, strict=True)
        )

    def __str__(self) -> str:
        sizes = " x ".join("any" if size < 0 else str(size) for size in self.shape)
        return f"{self.name}, {self.dtype} of {sizes or 'one element'}"


def checked(
    model: str,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    tensors: Tensors,
    wanted: Sequence[str] | None,
) -> Sequence[str]:
    """The names of the outputs that are ``wanted``, by default all.

    Raises `ModelError` for tensors that do not fit ``inputs`` and for names not in ``outputs``.
    """
    ports = {port.name: port for port in inputs}
    for name, array in tensors.items():
        port = ports.pop(name, None)
        if port is None:
            known = "; ".join(map(str, inputs))
            raise ModelError(f"{model}: has no input {name!r}; its inputs are: {known}")
        if not port.takes(array.dtype) or not port.admits(array.shape):
            sizes = " x ".join(map(str, array.shape)) or "one element"
            raise ModelError(f"{model}: takes {port}; was given {array.dtype} of {sizes}")
    lacking = [port.name for port in ports.values() if not port.optional]
    if lacking:
        raise ModelError(f"{model}: lacks its input {', '.join(lacking)}")
    known_outputs = [port.name for port in outputs]
    for name in wanted or ():
        if name not in known_outputs:
            raise ModelError(
                f"{model}: has no output {name!r}; its outputs are: {', '.join(known_outputs)}"
            )
    return wanted or known_outputs


class Runtime(ABC):
    """A network in memory: named arrays in, named arrays out, from any number of threads.

    A subclass sets the attributes and implements `infer`, for which `checked` does the checks.
    """

    #: What users call the model.
    name: str

    #: The weights it runs; on a server, what that tells of them.
    weights: Weights

    #: What computes, for the manifest: ``"cpu (OpenVINO int8)"``.
    device: str

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @abstractmethod
    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """Run the network on one array per input; returns those ``outputs``, by default all.

        Safe to call from several threads at once; the arrays belong to the caller, and may be
        read-only or strided. Raises `ModelError` for inputs that do not fit and where the network
        cannot run, and `Interrupted` once ``stop`` is set, as soon as the device can be freed.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to free
        """Free the memory and the device; the runtime is not used afterwards. Idempotent."""

    def checked(self, tensors: Tensors, outputs: Sequence[str] | None) -> Sequence[str]:
        """The names of the outputs that are wanted; raises `ModelError` for what does not fit."""
        return checked(self.name, self.inputs, self.outputs, tensors, outputs)

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.generic]:
        """Run a network of one input on ``x`` and return its first output."""
        first = self.outputs[0].name
        return self.infer({self.inputs[0].name: x}, [first])[first]


class Models:
    """The models of one run: each is loaded when first asked for, once, by whichever thread.

    A name is that of a network, or of its view of raw pixels, see `cytomill.inference.pixels`.
    ``load`` gives the runtime of a name, and may ask for others.
    """

    def __init__(self, load: Callable[[str], Runtime]) -> None:
        self._load = load
        self._loaded: dict[str, Runtime] = {}
        self._lock = RLock()
        #: Set to end the waiting for a server: calls that would be repeated raise `Interrupted`.
        self.stopping = Event()

    def __getitem__(self, name: str) -> Runtime:
        """The runtime of model ``name``; raises `OptionError` where there is no such model."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]
