"""Sizes of tensors: which a network takes, and which it gives for them.

Pure functions. A size that refers to another axis is that axis's size times a factor plus an
offset, rounded down as BioImage.IO has it. In format 0.5 the factor is the ratio of the scales of
the axes, in format 0.4 it is written down and the offset counts for both ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ..errors import ModelError
from .description import Axis, Fixed, Open, Relative, Size, Stepped, Tensor

#: A tensor and an axis of it.
Place = tuple[str, str]

#: Shapes of tensors by name.
Shapes = Mapping[str, Sequence[int]]

#: What a quotient of scales may lack of a whole number, as 96 x (0.1 / 0.3) does.
_ROUNDING = 1e-6


def at_least(size: Fixed | Stepped | Open, wanted: int) -> int | None:
    """The smallest size of at least ``wanted`` elements; None where all are smaller."""
    match size:
        case Fixed(fixed):
            return fixed if fixed >= wanted else None
        case Stepped(least, step):
            return least + max(0, -(-(wanted - least) // step)) * step
        case Open(least, most):
            found = max(least, wanted)
            return found if most is None or found <= most else None


def follows(size: Relative, reference: int) -> int:
    """The size of an axis whose reference has ``reference`` elements."""
    return math.floor(reference * size.factor + size.offset + _ROUNDING)


def input_shapes(
    inputs: Sequence[Tensor], wanted: Mapping[Place, int] | None = None
) -> dict[str, tuple[int, ...]]:
    """The smallest shapes that the network takes and that hold ``wanted`` elements of each axis.

    Axes that are not in ``wanted`` are as small as may be. Raises `ModelError` naming an axis that
    cannot be so large.
    """
    axes = _axes(inputs)
    needed = {place: (wanted or {}).get(place, 1) for place in axes}
    roots: dict[Place, int] = {}
    for place in axes:
        root, least = place, needed[place]
        for link in _chain(axes, place):
            root, least = (link.tensor, link.axis), _reference(link, least)
        roots[root] = max(roots.get(root, 1), least)
    found: dict[Place, int] = {}
    for place, least in roots.items():
        size = axes[place].size
        assert not isinstance(size, Relative)
        fitting = at_least(size, least)
        if fitting is None:
            raise ModelError(
                f"axis {place[1]} of {place[0]}: takes {told(size)} elements, {least} are too many"
            )
        found[place] = fitting
    return {
        tensor.id: tuple(_sized(axes, (tensor.id, axis.id), found) for axis in tensor.axes)
        for tensor in inputs
    }


def check_shapes(inputs: Sequence[Tensor], shapes: Shapes) -> None:
    """See that the network takes ``shapes``; raises `ModelError` naming input, axis and sizes.

    An optional input may be left out.
    """
    axes = _axes(inputs)
    sizes = _given(inputs, shapes)
    for place, found in sizes.items():
        size = axes[place].size
        where = f"axis {place[1]} of {place[0]}"
        if not isinstance(size, Relative):
            if at_least(size, found) != found:
                raise ModelError(f"{where}: takes {told(size)} elements, not {found}")
            continue
        reference = sizes.get((size.tensor, size.axis))
        if reference is None:
            raise ModelError(f"{where}: is sized by {size.tensor}, which was not given")
        if follows(size, reference) != found:
            raise ModelError(
                f"{where}: must have {follows(size, reference)} elements for {reference} of axis "
                f"{size.axis} of {size.tensor}, not {found}"
            )


def output_shapes(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], shapes: Shapes
) -> dict[str, tuple[int | None, ...]]:
    """The shapes of ``outputs`` for inputs of ``shapes``; None where only the network knows.

    A batch of any size is that of the inputs. Raises `ModelError` as `check_shapes` does, and for
    an input so small that an output would be empty.
    """
    check_shapes(inputs, shapes)
    axes = _axes([*inputs, *outputs])
    sizes = _given(inputs, shapes)
    batches = {size for place, size in sizes.items() if axes[place].kind == "batch"}
    found: dict[str, tuple[int | None, ...]] = {}
    for tensor in outputs:
        shape: list[int | None] = []
        for axis in tensor.axes:
            if isinstance(axis.size, Open):
                batch = axis.kind == "batch" and len(batches) == 1
                shape.append(next(iter(batches)) if batch else None)
                continue
            size = _sized(axes, (tensor.id, axis.id), sizes)
            if size < 1:
                raise ModelError(
                    f"axis {axis.id} of {tensor.id}: would have {size} elements; larger inputs "
                    "are needed"
                )
            shape.append(size)
        found[tensor.id] = tuple(shape)
    return found


def told(size: Size) -> str:
    """How many elements an axis has, in words: ``64 + n x 16``."""
    match size:
        case Fixed(fixed):
            return f"{fixed}"
        case Stepped(least, step):
            return f"{least} + n x {step}"
        case Open(least, most):
            return f"{least} or more" if most is None else f"{least} to {most}"
        case Relative(tensor, axis, factor, offset):
            times = "" if factor == 1 else f" x {factor:g}"
            plus = "" if offset == 0 else f" {'+' if offset > 0 else '-'} {abs(offset):g}"
            return f"as many as {axis} of {tensor}{times}{plus}"


def fault(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[str, str] | None:
    """What is wrong with the sizes that refer to other axes: the field, and the fault."""
    axes = _axes([*inputs, *outputs])
    of_inputs = _axes(inputs)
    for where, tensor, axis in _fields(inputs, outputs):
        if not isinstance(axis.size, Relative):
            continue
        place = (axis.size.tensor, axis.size.axis)
        if place not in (of_inputs if where.startswith("inputs") else axes):
            return where, f"refers to axis {place[1]!r} of {place[0]!r}, which there is not"
        aim = axes[place]
        if aim.kind == "batch" or isinstance(aim.size, Open):
            return where, f"refers to axis {place[1]!r} of {place[0]!r}, whose size is open"
        if axis.unit != aim.unit:
            return where, f"refers to an axis in {aim.unit}, and is in {axis.unit}"
        if _is_cyclic(axes, (tensor.id, axis.id)):
            return where, f"depends on itself, through axis {place[1]!r} of {place[0]!r}"
    return None


def _fields(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> Iterator[tuple[str, Tensor, Axis]]:
    for group, tensors in (("inputs", inputs), ("outputs", outputs)):
        for i, tensor in enumerate(tensors):
            for j, axis in enumerate(tensor.axes):
                yield f"{group}[{i}].axes[{j}].size", tensor, axis


def _axes(tensors: Sequence[Tensor]) -> dict[Place, Axis]:
    return {(tensor.id, axis.id): axis for tensor in tensors for axis in tensor.axes}


def _is_cyclic(axes: Mapping[Place, Axis], place: Place) -> bool:
    seen = set()
    while place not in seen:
        seen.add(place)
        axis = axes.get(place)
        if axis is None or not isinstance(axis.size, Relative):
            return False
        place = (axis.size.tensor, axis.size.axis)
    return True


def _chain(axes: Mapping[Place, Axis], place: Place) -> Iterator[Relative]:
    """The references from ``place`` to the axis whose size is its own."""
    while isinstance(size := axes[place].size, Relative):
        yield size
        place = (size.tensor, size.axis)


def _reference(size: Relative, wanted: int) -> int:
    """The smallest reference that gives an axis at least ``wanted`` elements."""
    if size.factor <= 0:
        return 1
    found = max(1, math.ceil((wanted - size.offset - _ROUNDING) / size.factor))
    while follows(size, found) < wanted:
        found += 1
    return found


def _sized(axes: Mapping[Place, Axis], place: Place, known: Mapping[Place, int]) -> int:
    if place in known:
        return known[place]
    size = axes[place].size
    if isinstance(size, Fixed):
        return size.size
    if isinstance(size, Relative):
        return follows(size, _sized(axes, (size.tensor, size.axis), known))
    raise ModelError(f"axis {place[1]} of {place[0]}: its size is not known")


def _given(inputs: Sequence[Tensor], shapes: Shapes) -> dict[Place, int]:
    """Sizes of the inputs' axes; raises `ModelError` for inputs that are missing or unknown."""
    names = [tensor.id for tensor in inputs]
    for name in shapes:
        if name not in names:
            raise ModelError(f"has no input {name!r}; its inputs are: {', '.join(names)}")
    found = {}
    for tensor in inputs:
        shape = shapes.get(tensor.id)
        if shape is None:
            if not tensor.optional:
                raise ModelError(f"lacks its input {tensor.id}")
            continue
        if len(shape) != len(tensor.axes):
            ids = ", ".join(axis.id for axis in tensor.axes)
            raise ModelError(f"input {tensor.id}: has the axes {ids}; was given {len(shape)}")
        for axis, size in zip(tensor.axes, shape, strict=True):
            found[tensor.id, axis.id] = size
    return found
