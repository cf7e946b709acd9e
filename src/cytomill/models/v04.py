"""BioImage.IO descriptions of format 0.4, brought to the terms of 0.5.

Axes are letters, sizes one list for all axes, test tensors a list beside the tensors, and
operators have other arguments; what comes out is as if the model were described in 0.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import steps as processing
from .attachment import Attachment
from .description import (
    Axis,
    AxisKind,
    Description,
    Fixed,
    Open,
    Relative,
    Size,
    Step,
    Stepped,
    Tensor,
    Tolerance,
)
from .fields import Field
from .files import attached
from .head import head, tolerance
from .v05 import LETTERS, check_sizes, distinct

KINDS: dict[str, AxisKind] = {
    "b": "batch",
    "i": "index",
    "t": "time",
    "c": "channel",
    "z": "space",
    "y": "space",
    "x": "space",
}

#: Operators before the network; after it there is one more.
_BEFORE = (
    "binarize",
    "clip",
    "scale_linear",
    "scale_range",
    "sigmoid",
    "zero_mean_unit_variance",
)
_AFTER = (*_BEFORE, "scale_mean_variance")

_MODES = ("per_sample", "per_dataset")


def parse(top: Field) -> Description:
    """Read the description whose mapping is ``top``; raises `ModelError`."""
    inputs = _tensors(top, "input")
    outputs = _tensors(top, "output")
    fields = [field for field, _ in (*inputs, *outputs)]
    tensors = [tensor for _, tensor in (*inputs, *outputs)]
    distinct(fields, tensors)
    count = len(inputs)
    check_sizes(top, tensors[:count], tensors[count:])
    known = [tensor.id for tensor in tensors]
    done = []
    for index, (field, tensor) in enumerate(zip(fields, tensors, strict=True)):
        output = index >= count
        listed = field.many("postprocessing" if output else "preprocessing")
        processing.check(listed, tensor.steps, tensor, known)
        # Networks of format 0.4 take float32, whatever the images' data type is.
        last = () if output else (Step("ensure_dtype", {"dtype": "float32"}),)
        steps = processing.typed((*tensor.steps, *last), tensor.dtype, output)
        done.append(replace(tensor, steps=steps))
    return Description(
        **head(top, top.need("format_version").text()),
        inputs=tuple(done[:count]),
        outputs=tuple(done[count:]),
        tolerances=_tolerances(top),
    )


def _tensors(top: Field, role: str) -> list[tuple[Field, Tensor]]:
    """Inputs or outputs with their test and sample tensors."""
    found = top.need(f"{role}s")
    fields = found.items()
    if not fields:
        raise found.fault("must list at least one tensor")
    tests = _beside(top, f"test_{role}s", len(fields), needed=True)
    samples = _beside(top, f"sample_{role}s", len(fields), needed=False)
    return [
        (field, _tensor(field, test, sample, output=role == "output"))
        for field, test, sample in zip(fields, tests, samples, strict=True)
    ]


def _beside(top: Field, key: str, count: int, *, needed: bool) -> list[Attachment | None]:
    listed = top.many(key)
    if listed and needed and len(listed) != count:
        raise top.need(key).fault(f"lists {len(listed)} files for {count} tensors")
    found = [attached(field, needed=needed) for field in listed[:count]]
    return found + [None] * (count - len(found))


def _tensor(
    field: Field, test: Attachment | None, sample: Attachment | None, *, output: bool
) -> Tensor:
    letters = field.need("axes")
    text = letters.text()
    if not text or set(text) - set(KINDS) or len(set(text)) < len(text):
        raise letters.fault(f"is {text!r}, and must be different letters of {''.join(KINDS)}")
    sizes = _sizes(field.need("shape"), text, output=output)
    halo = _numbers(field.get("halo"), len(text)) or [0] * len(text)
    listed = field.many("postprocessing" if output else "preprocessing")
    operators = _AFTER if output else _BEFORE
    told, limits = field.get("description"), field.get("data_range")
    ends = [each.number() for each in limits.items()] if limits else []
    if limits and len(ends) != 2:
        raise limits.fault("must be a pair of numbers")
    return Tensor(
        id=field.need("name").text(),
        axes=tuple(
            Axis(
                LETTERS.get(letter, letter),
                KINDS[letter],
                size,
                scale=_scale(KINDS[letter], size),
                halo=edge,
            )
            for letter, size, edge in zip(text, sizes, halo, strict=True)
        ),
        dtype=field.need("data_type").choice(*processing.DTYPES),
        description=told.text() if told else "",
        range=None if ends in ([], [-float("inf"), float("inf")]) else (ends[0], ends[1]),
        steps=tuple(_step(each, operators, text) for each in listed),
        test=test,
        sample=sample,
    )


def _scale(kind: AxisKind, size: Size) -> float:
    """The distance between elements, where that between those of the reference is 1."""
    if isinstance(size, Relative) and kind in ("space", "time"):
        return 1 / size.factor
    return 1.0


def _sizes(shape: Field, axes: str, *, output: bool) -> list[Size]:
    if not shape.is_mapping:
        return [Fixed(int(size)) for size in _numbers(shape, len(axes), least=1) or ()]
    if output:
        return _implicit(shape, axes)
    least = _numbers(shape.need("min"), len(axes), least=1) or []
    step = _numbers(shape.need("step"), len(axes)) or []
    # A batch may always be larger, its step only says that nothing is gained by it.
    return [
        Open(int(low)) if axis == "b" else Stepped(int(low), int(by)) if by else Fixed(int(low))
        for axis, low, by in zip(axes, least, step, strict=True)
    ]


def _implicit(shape: Field, axes: str) -> list[Size]:
    """Sizes that follow an input's: ``size = reference * scale + 2 * offset``."""
    reference = shape.need("reference_tensor").text()
    scales, offsets = shape.need("scale").items(), shape.need("offset").items()
    for field in (scales, offsets):
        if len(field) != len(axes):
            raise shape.fault(f"must give scale and offset for each of the axes {axes}")
    found: list[Size] = []
    for axis, scale, offset in zip(axes, scales, offsets, strict=True):
        factor = 0.0 if scale.plain() is None else scale.number()
        added = 2 * offset.number()
        if not 0 <= factor < float("inf"):
            raise scale.fault(f"must be 0 or more, not {factor:g}")
        if added != int(added):
            raise offset.fault(f"must be a multiple of 0.5, not {added / 2:g}")
        if axis == "b":
            found.append(Open())
        elif factor == 0 and added < 1:
            raise offset.fault("must be at least 0.5 for an axis that the reference has not")
        elif factor == 0:
            found.append(Fixed(int(added)))
        else:
            found.append(Relative(reference, LETTERS.get(axis, axis), factor, added))
    return found


def _numbers(field: Field | None, count: int, least: int = 0) -> list[int] | None:
    """Whole numbers, one for each axis; null is 0."""
    if field is None:
        return None
    items = field.items()
    if len(items) != count:
        raise field.fault(f"lists {len(items)} numbers for {count} axes")
    return [0 if item.plain() is None and not least else item.whole(least) for item in items]


def _step(field: Field, operators: Sequence[str], axes: str) -> Step:
    named = field.need("name")
    name = named.text()
    if name not in operators:
        raise named.fault(f"is {name!r}, an unknown operator; known are {', '.join(operators)}")
    place = field.get("kwargs") or field
    given = dict(place.mapping()) if place is not field else {}
    mode = given.pop("mode", None)
    letters = given.pop("axes", None)
    if letters is not None and (
        not isinstance(letters, str) or set(letters) - set(axes) or "b" in letters
    ):
        raise place.fault(f"axes must be letters of {axes} other than b, not {letters!r}")
    ids = None if letters is None else [LETTERS.get(letter, letter) for letter in letters]
    if name == "zero_mean_unit_variance" and mode in (None, "fixed"):
        for key in ("mean", "std"):
            place.need(key)
        return Step("fixed_zero_mean_unit_variance", _along(place, given, axes, letters))
    if name in ("zero_mean_unit_variance", "scale_range", "scale_mean_variance"):
        if mode is None or mode not in _MODES:
            raise place.fault(f"mode must be one of {', '.join(_MODES)}, not {mode!r}")
        return Step(name, _jointly(given, axes, ids, mode))
    if name == "scale_linear":
        return Step(name, _along(place, given, axes, letters))
    return Step(name, given)


def _jointly(
    given: Mapping[str, Any], axes: str, ids: list[str] | None, mode: str
) -> dict[str, Any]:
    """Arguments of an operator with statistics: over which axes they are taken.

    Without axes, they are taken over all but the batch; those of a dataset, over the batch too.
    """
    if ids is None:
        ids = [LETTERS.get(letter, letter) for letter in axes if letter != "b"]
    return {"axes": ["batch", *ids] if mode == "per_dataset" else ids, **given}


def _along(
    place: Field, given: Mapping[str, Any], axes: str, letters: str | None
) -> dict[str, Any]:
    """Arguments of an operator with numbers: the one axis along which they are a list.

    Format 0.4 names the other axes.
    """
    kwargs = {key: value for key, value in given.items() if key != "eps"}
    lists = [key for key, value in kwargs.items() if isinstance(value, list)]
    for key in lists:
        if len(kwargs[key]) == 1:
            kwargs[key] = kwargs[key][0]
    lists = [key for key in lists if isinstance(kwargs[key], list)]
    if not lists:
        return kwargs
    left = [axis for axis in axes if axis not in (letters or "") and axis != "b"]
    if letters is None or len(left) != 1:
        raise place.fault(f"{lists[0]} is a list, and axes must name all axes of {axes} but one")
    lengths = {len(kwargs[key]) for key in lists}
    if len(lengths) > 1:
        raise place.fault(f"{' and '.join(lists)} must be lists of one length")
    (count,) = lengths
    numbers = {
        key: value if isinstance(value, list) else [value] * count for key, value in kwargs.items()
    }
    return {**numbers, "axis": LETTERS.get(left[0], left[0])}


def _tolerances(top: Field) -> tuple[Tolerance, ...]:
    """What ``config.bioimageio.test_kwargs`` says of each kind of weights."""
    config = top.get("config")
    zoo = config.get("bioimageio") if config else None
    kinds = zoo.get("test_kwargs") if zoo and zoo.is_mapping else None
    if kinds is None:
        return ()
    found = []
    for kind in kinds.names():
        given = kinds.get(kind)
        if given is not None:
            found.append(replace(tolerance(given), weights=(kind,)))
    return tuple(found)
