"""BioImage.IO descriptions of format 0.5.

The format is that of https://bioimage-io.github.io/spec-bioimage-io. Fields that inference does not
need are passed over; those it needs are checked here, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from . import steps as processing
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
)
from .fields import Field
from .files import attached, located
from .head import head, tolerances
from .sizes import fault

#: The letters that format 0.4 has for axes; 0.5 still takes them for the words.
LETTERS = {"b": "batch", "t": "time", "i": "index", "c": "channel", "s": "channel"}

_KINDS: dict[str, AxisKind] = {
    "batch": "batch",
    "channel": "channel",
    "index": "index",
    "time": "time",
    "space": "space",
}

#: The name of an axis that gives none.
_USUAL = {"batch": "batch", "channel": "channel", "index": "index", "time": "time", "space": "x"}

_PADS = ("constant", "edge", "reflect", "symmetric")


def parse(top: Field) -> Description:
    """Read the description whose mapping is ``top``; raises `ModelError`."""
    fields = [(field, False) for field in _tensors(top, "inputs")]
    fields += [(field, True) for field in _tensors(top, "outputs")]
    tensors = [_tensor(field, output=output) for field, output in fields]
    distinct([field for field, _ in fields], tensors)
    count = sum(not output for _, output in fields)
    check_sizes(top, tensors[:count], tensors[count:])
    tensors = [_scaled(tensor, tensors) for tensor in tensors]
    known = [tensor.id for tensor in tensors]
    done = []
    for (field, output), tensor in zip(fields, tensors, strict=True):
        listed = field.many("postprocessing" if output else "preprocessing")
        processing.check(listed, tensor.steps, tensor, known)
        done.append(replace(tensor, steps=processing.typed(tensor.steps, tensor.dtype, output)))
    config = top.get("config")
    zoo = config.get("bioimageio") if config else None
    listed = zoo.many("reproducibility_tolerance") if zoo and zoo.is_mapping else []
    return Description(
        **head(top, top.need("format_version").text()),
        inputs=tuple(done[:count]),
        outputs=tuple(done[count:]),
        tolerances=tolerances(listed, done[count:]),
    )


def _tensors(top: Field, key: str) -> list[Field]:
    found = top.need(key)
    items = found.items()
    if not items:
        raise found.fault("must list at least one tensor")
    return items


def distinct(fields: Sequence[Field], tensors: Sequence[Tensor]) -> None:
    """See that no two tensors have one name; raises `ModelError`."""
    seen: dict[str, Field] = {}
    for field, tensor in zip(fields, tensors, strict=True):
        first = seen.setdefault(tensor.id, field)
        if first is not field:
            raise field.fault(
                f"is named {tensor.id!r} as {first.path} is; names of tensors must differ"
            )


def check_sizes(top: Field, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """See that sizes refer to axes there are, and not in a circle; raises `ModelError`."""
    found = fault(inputs, outputs)
    if found is not None:
        raise top.fault(": ".join(found))


def _tensor(field: Field, *, output: bool) -> Tensor:
    named = field.get("id")
    axes = tuple(_axis(each, output=output) for each in field.need("axes").items())
    if not axes:
        raise field.need("axes").fault("must list at least one axis")
    ids = [axis.id for axis in axes]
    for axis in ids:
        if ids.count(axis) > 1:
            raise field.need("axes").fault(f"has two axes named {axis!r}")
    dtype, limits = _data(field)
    listed = field.many("postprocessing" if output else "preprocessing")
    operators = processing.AFTER if output else processing.BEFORE
    pad = field.get("pad")
    padded = pad.get("value") if pad else None
    told = field.get("description")
    optional = field.get("optional")
    return Tensor(
        id=named.text().lower() if named else "output" if output else "input",
        axes=axes,
        dtype=dtype,
        description=told.text() if told else "",
        range=limits,
        steps=tuple(step(each, operators) for each in listed),
        test=attached(field.get("test_tensor"), needed=True),
        sample=attached(field.get("sample_tensor"), needed=False),
        optional=optional.flag() if optional else False,
        pad=pad.need("mode").choice(*_PADS) if pad else "symmetric",
        pad_value=padded.number() if padded else 0.0,
    )


def _axis(field: Field, *, output: bool) -> Axis:
    kind = _KINDS[field.need("type").choice(*_KINDS)]
    named = field.get("id")
    name = axis_id(named.text()) if named else _USUAL[kind]
    halo = field.get("halo")
    if halo is not None and (not output or kind not in ("space", "time")):
        raise halo.fault("is given, and only outputs have it, along space and time")
    if kind == "batch":
        if name != "batch":
            raise (named or field).fault("must be 'batch' for an axis of type batch")
        size = field.get("size")
        if size is not None and size.whole() != 1:
            raise size.fault("must be 1 or left out for an axis of type batch")
        return Axis(name, kind, Open() if size is None else Fixed(1))
    if name == "batch":
        raise (named or field).fault("is 'batch', a name for axes of type batch only")
    if kind == "channel":
        names = field.need("channel_names")
        channels = tuple(each.text() for each in names.items())
        if not channels:
            raise names.fault("must list at least one name")
        return Axis(name, kind, Fixed(len(channels)), names=channels)
    sized = _size(field.need("size"), output=output, kind=kind)
    if halo is not None and not isinstance(sized, Relative):
        raise halo.fault("is given, and needs a size that refers to another axis")
    unit = field.get("unit") if kind != "index" else None
    return Axis(
        name,
        kind,
        sized,
        scale=_scale(field) if kind != "index" else 1.0,
        unit=unit.text() if unit else None,
        halo=halo.whole(0) if halo else 0,
    )


def _size(field: Field, *, output: bool, kind: AxisKind) -> Size:
    if not field.is_mapping:
        return Fixed(field.whole(1))
    tensor = field.get("tensor_id")
    if tensor is not None:
        offset = field.get("offset")
        return Relative(
            tensor.text().lower(),
            axis_id(field.need("axis_id").text()),
            offset=offset.whole() if offset else 0,
        )
    if not output:
        return Stepped(field.need("min").whole(1), field.need("step").whole(1))
    if kind != "index":
        raise field.fault("must be a number or refer to another axis")
    least, most = field.get("min"), field.get("max")
    return Open(least.whole(1) if least else 1, most.whole(1) if most else None)


def _scale(field: Field) -> float:
    given = field.get("scale")
    if given is None:
        return 1.0
    scale = given.number()
    if not 0 < scale < float("inf"):
        raise given.fault(f"must be above 0, not {scale:g}")
    return scale


def _data(field: Field) -> tuple[str, tuple[float, float] | None]:
    """The data type and the range, which may be given for each channel."""
    data = field.get("data")
    if data is None:
        return "float32", None
    each = data.items() if data.is_list else [data]
    if not each:
        raise data.fault("must describe at least one channel")
    types = set()
    limits: list[tuple[float, float]] = []
    for told in each:
        kind, values = told.get("type"), told.get("values")
        types.add(kind.choice(*processing.DTYPES) if kind else "uint8" if values else "float32")
        given = told.get("range")
        if given is not None:
            limits.append(_limits(given))
    if len(types) > 1:
        raise data.fault(f"has several types ({', '.join(sorted(types))}); channels share one")
    both = (min(low for low, _ in limits), max(high for _, high in limits)) if limits else None
    return types.pop(), None if both == (-float("inf"), float("inf")) else both


def _limits(field: Field) -> tuple[float, float]:
    """A pair of numbers; null is without limit."""
    ends = field.items()
    if len(ends) != 2:
        raise field.fault("must be a pair of numbers")
    low, high = ends
    return (
        -float("inf") if low.plain() is None else low.number(),
        float("inf") if high.plain() is None else high.number(),
    )


def step(field: Field, operators: Sequence[str]) -> Step:
    """One step of processing by one of ``operators``; raises `ModelError`."""
    operator = field.need("id")
    name = operator.text()
    if name not in operators:
        raise operator.fault(f"is {name!r}, an unknown operator; known are {', '.join(operators)}")
    given = field.get("kwargs")
    kwargs = dict(given.mapping()) if given else {}
    if name == "custom":
        source = located(field.need("source"))
        return Step(name, {"callable": field.need("callable").text(), "source": str(source)})
    if isinstance(kwargs.get("axes"), list):
        kwargs["axes"] = [axis_id(str(axis)) for axis in kwargs["axes"]]
    if kwargs.get("axis") is not None:
        kwargs["axis"] = axis_id(str(kwargs["axis"]))
    if kwargs.get("reference_tensor") is not None:
        kwargs["reference_tensor"] = str(kwargs["reference_tensor"]).lower()
    return Step(name, kwargs)


def axis_id(text: str) -> str:
    """The name of an axis: in lower case, and a word where it is a letter that stands for one."""
    return LETTERS.get(text.lower(), text.lower())


def _scaled(tensor: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    """``tensor`` with the factor of each size that refers to another axis: the ratio of scales."""
    axes = []
    for axis in tensor.axes:
        if isinstance(axis.size, Relative):
            other = next(each for each in tensors if each.id == axis.size.tensor)
            aim = other.axis(axis.size.axis)
            assert aim is not None
            axis = replace(axis, size=replace(axis.size, factor=aim.scale / axis.scale))
        axes.append(axis)
    return replace(tensor, axes=tuple(axes))
