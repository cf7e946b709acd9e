"""What becomes of a model's outputs: maps over the image, classes of it, or arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from ..models.description import Description, Fixed, Open, Relative, Tensor
from ..ops.table import channel_names
from .zoo_axes import axis_of, is_single, letters

#: A *map* is an image: it has height and width. *Classes* have neither, but a value per class.
Kind = Literal["map", "classes", "array"]

#: Ends of file names that other files have.
_TAKEN = ("labels", "overlay")


def kind(tensor: Tensor, description: Description) -> Kind:
    """What becomes of the output ``tensor``."""
    order = letters(tensor)
    extra = [axis for axis, letter in zip(tensor.axes, order, strict=True) if letter in "BI"]
    plain = all(map(is_single, extra)) and order.count("C") <= 1
    if plain and {"Y", "X"} <= set(order):
        return "map" if all(factor(tensor, a, description) for a in "YX") else "array"
    if plain and set(order) <= set("BCI") and "C" in order:
        return "array" if isinstance(_size(tensor, "C"), Open) else "classes"
    return "array"


def factor(tensor: Tensor, letter: str, description: Description) -> float | None:
    """Elements of an output for one of the image along an axis; None where they do not follow it.

    An axis of fixed size follows an input's of fixed size, as many times as large if that is a
    whole number, and else as large.
    """
    size, found = _size(tensor, letter), 1.0
    tensors = {each.id: each for each in (*description.outputs, *description.inputs)}
    for _ in range(len(tensors) * 5):
        if not isinstance(size, Relative):
            break
        found *= size.factor
        tensor = tensors[size.tensor]
        axis = tensor.axis(size.axis)
        letter, size = (
            letters(tensor)[tensor.axes.index(axis)] if axis else letter,
            (axis.size if axis else None),
        )
    if tensor in description.inputs:
        return found
    if not isinstance(size, Fixed) or size.size == 1:
        return None
    for each in description.inputs:
        own = _size(each, letter)
        if isinstance(own, Fixed):
            ratio = size.size / own.size
            return ratio if ratio.is_integer() or (1 / ratio).is_integer() else 1.0
    return None


def grows(tensor: Tensor, letter: str) -> bool:
    """Whether an output has other elements along an axis than a multiple of its input's."""
    size = _size(tensor, letter)
    return isinstance(size, Relative) and size.offset != 0


def ends(tensors: Iterable[Tensor]) -> dict[str, str]:
    """What the names of the files of outputs end in, by the outputs' ids: all different."""
    found: dict[str, str] = {}
    taken = set(_TAKEN)
    for tensor in tensors:
        name = re.sub(r"[^\w.-]+", "_", tensor.id).strip("._") or "output"
        own, number = name, 1
        while own.lower() in taken:
            number += 1
            own = f"{name}_{number}"
        taken.add(own.lower())
        found[tensor.id] = own
    return found


def is_ragged(tensor: Tensor) -> bool:
    """Whether the size of an output is known only once it is there."""
    return any(isinstance(axis.size, Open) and axis.kind != "batch" for axis in tensor.axes)


@dataclass(frozen=True, slots=True)
class Scores:
    """The values of one sample by output; ``z`` is None where the sample is a whole stack."""

    t: int | None
    z: int | None
    values: Mapping[str, Sequence[float]]


def class_table(image: str, outputs: Sequence[Tensor], scores: Sequence[Scores]) -> pa.Table:
    """A row per sample: image, t, z, a column ``score-…`` per class, and ``class``, the best one's.

    Classes are called by the names of the channels where the description gives them, else by their
    numbers from 0. Of several outputs each name begins with the output's.
    """
    columns: dict[str, pa.Array] = {
        "image": pa.array([image] * len(scores), pa.string()),
        "t": pa.array([one.t for one in scores], pa.int32()),
        "z": pa.array([one.z for one in scores], pa.int32()),
    }
    for tensor in outputs:
        values = np.array([one.values[tensor.id] for one in scores], np.float64)
        axis = axis_of(tensor, "C")
        prefix = f"{tensor.id}-" if len(outputs) > 1 else ""
        names = channel_names(values.shape[1], axis.names if axis else ())
        for name, column in zip(names, values.T, strict=True):
            columns[f"score-{prefix}{name}"] = pa.array(column)
        if len(names) > 1:
            best = [names[i] for i in values.argmax(axis=1)]
            columns[f"class-{tensor.id}" if prefix else "class"] = pa.array(best, pa.string())
    return pa.table(columns)


def _size(tensor: Tensor, letter: str) -> object:
    axis = axis_of(tensor, letter)
    return axis.size if axis else None
