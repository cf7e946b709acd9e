"""TorchScript: inference with PyTorch, for packages that come without ONNX weights.

A file of TorchScript names neither inputs nor outputs and knows no sizes: these come from the
model's description.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, OptionError
from ..models.description import Description, Fixed, Relative, Tensor
from ..models.sizes import follows
from ..models.weights import Weights
from .runtime import Port, Runtime, Tensors
from .stop import Stop

try:
    import torch
except ImportError as error:
    raise ModelError(
        "TorchScript weights need PyTorch; run: pip install cytomill[torchscript]"
    ) from error


class TorchScript(Runtime):
    """A network in PyTorch's interpreter of TorchScript.

    On a CPU ``threads`` calls run side by side and share the cores of the process evenly: PyTorch
    keeps one number of cores per call for the whole process, so the runtime that was loaded last
    decides. Tensors come and go in the order and the data types of the ports.
    """

    def __init__(
        self,
        name: str,
        weights: Weights,
        threads: int,
        *,
        inputs: Sequence[Port],
        outputs: Sequence[Port],
        cores: int | None = None,
        cuda: bool = False,
    ) -> None:
        if cuda and not has_cuda():
            raise OptionError(
                "--device cuda: PyTorch sees no CUDA device; install PyTorch for CUDA and the "
                "driver, or use --device cpu"
            )
        self.name, self.weights = name, weights
        self.weights.check()
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.device = "cuda (TorchScript)" if cuda else "cpu (TorchScript f32)"
        self._place = torch.device("cuda" if cuda else "cpu")
        torch.set_num_threads(max(1, (cores or threads) // threads))
        try:
            with _old_but_kept():
                self._module = torch.jit.load(str(weights.path), map_location=self._place).eval()
        except (RuntimeError, ValueError, EOFError) as error:
            raise ModelError(f"{weights.path}: is no TorchScript ({_last(error)})") from error

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`; a call that has begun is not cut short."""
        wanted = self.checked(tensors, outputs)
        given = [self._given(tensors.get(port.name)) for port in self.inputs]
        with (Stop() if stop is None else stop).calling(_nothing):  # unset, it is false
            try:
                # What the interpreter optimises after some calls would change the last digits.
                with torch.inference_mode(), torch.jit.optimized_execution(False):
                    found = self._listed(self._module(*given))
            except (RuntimeError, TypeError, ValueError, IndexError) as error:
                raise ModelError(f"{self.name}: cannot run ({_last(error)})") from error
        return {name: found[name] for name in wanted}

    def _given(self, array: NDArray[Any] | None) -> Any:
        """An input as a tensor on the device; None for an optional one that was left out."""
        if array is None:
            return None
        # A copy where PyTorch would warn of, or could not take, the layout.
        plain = np.require(array, requirements=["C", "W"])
        return torch.from_numpy(plain).to(self._place)

    def _listed(self, result: Any) -> dict[str, NDArray[Any]]:
        """What the network returned, by the names of the outputs: told from keys, or from order."""
        names = [port.name for port in self.outputs]
        if isinstance(result, dict):
            values = (
                [result[n] for n in names] if set(names) <= result.keys() else [*result.values()]
            )
        else:
            values = [*result] if isinstance(result, list | tuple) else [result]
        if len(values) < len(self.outputs) or not all(isinstance(v, torch.Tensor) for v in values):
            raise ModelError(
                f"{self.name}: gave {len(values)} outputs where its description has "
                f"{len(self.outputs)}"
            )
        found = {}
        for port, value in zip(self.outputs, values, strict=False):
            array = (value.float() if value.is_floating_point() else value).cpu().numpy()
            found[port.name] = np.array(array, port.dtype)
        return found

    def close(self) -> None:
        """See `Runtime.close`."""
        self._module = None
        if self._place.type == "cuda":
            torch.cuda.empty_cache()


def ports(description: Description) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """The inputs and outputs of a network that cannot say what they are.

    Inputs are of the data type that pre-processing ends with, float32 where it ends with none.
    Outputs are float32 where something is computed from them, else of their declared type.
    """
    inputs = tuple(
        Port(tensor.id, _before(tensor), _shape(tensor, description), optional=tensor.optional)
        for tensor in description.inputs
    )
    outputs = tuple(
        Port(tensor.id, _after(tensor), _shape(tensor, description))
        for tensor in description.outputs
    )
    return inputs, outputs


def _before(tensor: Tensor) -> np.dtype[Any]:
    if not tensor.steps:
        return np.dtype(tensor.dtype)
    last = tensor.steps[-1]
    if last.operator == "binarize":
        return np.dtype(bool)
    return np.dtype(str(last.kwargs.get("dtype", "float32")))


def _after(tensor: Tensor) -> np.dtype[Any]:
    computes = any(step.operator != "ensure_dtype" for step in tensor.steps)
    return np.dtype("float32" if computes else tensor.dtype)


def _shape(tensor: Tensor, description: Description) -> tuple[int, ...]:
    """The sizes that are fixed, -1 for others."""
    found = []
    for axis in tensor.axes:
        size = axis.size
        if isinstance(size, Relative):
            other = description.tensor(size.tensor)
            reference = other.axis(size.axis) if other else None
            if reference and isinstance(reference.size, Fixed):
                size = Fixed(follows(size, reference.size.size))
        found.append(size.size if isinstance(size, Fixed) else -1)
    return tuple(found)


def has_cuda() -> bool:
    """Whether PyTorch sees a CUDA device."""
    return bool(torch.cuda.is_available())


@contextmanager
def _old_but_kept() -> Iterator[None]:
    """PyTorch advises against TorchScript; models of the zoo come in it all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is", DeprecationWarning)
        yield


def _nothing() -> None:
    """The interpreter cannot be stopped."""


def _last(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
