"""What a described network takes: the ports of its tensors, and checks of a sample before it runs.

Faults are `ModelError`, and name the model, the tensor and the axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.description import Relative, Tensor
from ..models.sizes import at_least, follows, told
from .axes import Place
from .runtime import Port


def matched(model: str, tensors: Sequence[Tensor], ports: Sequence[Port]) -> dict[str, Port]:
    """The port of each tensor: by name where all are found so, else by position.

    An optional tensor may have none. Outputs that nobody described are left out; an input that
    nobody described is for the runtime to miss.
    """
    by_name = {port.name: port for port in ports}
    needed = [tensor for tensor in tensors if not tensor.optional]
    if all(tensor.id in by_name for tensor in needed):
        return {tensor.id: by_name[tensor.id] for tensor in tensors if tensor.id in by_name}
    if len(ports) < len(needed):
        raise ModelError(
            f"{model}: its description has the tensors {', '.join(t.id for t in tensors)}, its "
            f"weights have {', '.join(port.name for port in ports) or 'none'}"
        )
    chosen = tensors if len(ports) >= len(tensors) else needed
    return {tensor.id: port for tensor, port in zip(chosen, ports, strict=False)}


def fixed_sizes(
    model: str, inputs: Sequence[Tensor], ports: Mapping[str, Port]
) -> dict[Place, int]:
    """The sizes that the weights insist on; refuses weights of another kind than described."""
    found = {}
    for tensor in inputs:
        port = ports.get(tensor.id)
        if port is None:
            continue
        if len(port.shape) != len(tensor.axes) or port.dtype.kind not in "buif":
            raise ModelError(
                f"{model}: its weights take {port}; the axes of {tensor.id!r} are "
                f"{', '.join(axis.id for axis in tensor.axes)}"
            )
        for axis, size in zip(tensor.axes, port.shape, strict=True):
            if size >= 0:
                found[tensor.id, axis.id] = size
    return found


def batch_size(inputs: Sequence[Tensor], fixed: Mapping[Place, int]) -> int:
    """Samples that the network takes at once: one if it may."""
    sizes = [1]
    for name, place in batches(inputs).items():
        axis = next(tensor for tensor in inputs if tensor.id == name).axes[place]
        if (name, axis.id) in fixed:
            sizes.append(fixed[name, axis.id])
        elif not isinstance(axis.size, Relative):
            sizes.append(at_least(axis.size, 1) or 1)
    return max(sizes)


def batches(tensors: Sequence[Tensor]) -> dict[str, int]:
    """Where the tensors that have a batch axis have it."""
    return {
        tensor.id: place
        for tensor in tensors
        for place, axis in enumerate(tensor.axes)
        if axis.kind == "batch"
    }


def check_shapes(
    model: str,
    inputs: Sequence[Tensor],
    ports: Mapping[str, Port],
    shapes: Mapping[str, Sequence[int]],
) -> None:
    """Compare the shapes of a sample with the inputs, but for axes that can be padded and cut."""
    known = {tensor.id: tensor for tensor in inputs}
    for name in shapes:
        if name not in known:
            raise ModelError(f"{model}: has no input {name!r}; its inputs are: {', '.join(known)}")
        if name not in ports:
            raise ModelError(f"{model}: its weights have no input {name!r}, which is optional")
    for name, tensor in known.items():
        if name not in shapes:
            if tensor.optional and (name not in ports or ports[name].optional):
                continue
            optional = ", which is optional in its description only" if tensor.optional else ""
            raise ModelError(f"{model}: lacks its input {name!r}{optional}")
        _check_shape(model, tensor, shapes)
    counts = {name: shapes[name][i] for name, i in batches(inputs).items() if name in shapes}
    if len(set(counts.values())) > 1:
        told_counts = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ModelError(f"{model}: inputs must have as many samples each; given are {told_counts}")


def _check_shape(model: str, tensor: Tensor, shapes: Mapping[str, Sequence[int]]) -> None:
    shape, ids = shapes[tensor.id], ", ".join(axis.id for axis in tensor.axes)
    sizes = " x ".join(map(str, shape)) or "one element"
    if len(shape) != len(tensor.axes) or not all(shape):
        raise ModelError(f"{model}: input {tensor.id!r} has the axes {ids}; was given {sizes}")
    for axis, size in zip(tensor.axes, shape, strict=True):
        if axis.kind not in ("channel", "index"):
            continue
        if isinstance(axis.size, Relative):
            fits = _follows(axis.size, size, shapes)
        else:
            fits = at_least(axis.size, size) == size
        if not fits:
            raise ModelError(
                f"{model}: input {tensor.id!r} takes {told(axis.size)} along {axis.id}; was given "
                f"{size}, of {sizes}"
            )


def _follows(size: Relative, found: int, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Whether some axis of the reference is of the size that ``found`` follows from."""
    return size.tensor in shapes and found in {follows(size, n) for n in shapes[size.tensor]}


def check_values(model: str, tensor: Tensor, array: NDArray[Any]) -> None:
    """See that the data type of ``tensor`` can hold the values of ``array``."""
    dtype = np.dtype(tensor.dtype)
    if array.dtype.kind not in "buif":
        raise ModelError(f"{model}: input {tensor.id!r} takes numbers; was given {array.dtype}")
    if dtype.kind not in "iu" or np.can_cast(array.dtype, dtype):
        return
    limits, low, high = np.iinfo(dtype), array.min(), array.max()
    whole = array.dtype.kind != "f" or bool((array == np.rint(array)).all())
    if low < limits.min or high > limits.max or not whole:
        raise ModelError(
            f"{model}: input {tensor.id!r} takes whole numbers from {limits.min} to {limits.max} "
            f"({dtype}); was given {array.dtype} from {low} to {high}; convert the images"
        )


def padded(array: NDArray[Any], lacking: Sequence[int], tensor: Tensor) -> NDArray[Any]:
    """``array`` grown at the ends of its axes as the input ``tensor`` is to be grown."""
    widths = [(0, count) for count in lacking]
    if tensor.pad == "constant":
        return np.pad(array, widths, "constant", constant_values=tensor.pad_value)
    return np.pad(array, widths, tensor.pad)  # type: ignore[call-overload,no-any-return]
