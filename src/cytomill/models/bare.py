"""Bare weights: an ONNX or TorchScript file with a small card of the same name beside it.

The card says what the file cannot: which axis is which, how images are normalised, how wide the
unsure rim of an output is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ModelError
from . import steps as processing
from .description import (
    Axis,
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
from .files import attached
from .sizes import fault
from .v04 import KINDS
from .v05 import LETTERS, distinct, step
from .weights import Weights

#: Endings of bare weights, and the kind that each is by custom.
SUFFIXES = {".onnx": "onnx", ".pt": "torchscript", ".pth": "torchscript"}

#: What stands for the format of a description.
FORMAT = "card"

_KEYS = (
    "name",
    "version",
    "description",
    "license",
    "pixel_size",
    "inputs",
    "outputs",
    "labels",
)
_INPUT = ("name", "axes", "shape", "dtype", "normalise", "preprocessing", "test")
_OUTPUT = (
    "name",
    "axes",
    "channels",
    "dtype",
    "scale",
    "halo",
    "activation",
    "postprocessing",
    "test",
)

#: Sizes as a card writes them: ``512``, ``16n``, ``64+16n``.
_SIZE = re.compile(r"(?:(?P<least>\d+)\s*\+\s*)?(?P<step>\d+)\s*n")


def card_of(weights: Path) -> Path:
    """Where the card of bare weights is."""
    return weights.with_suffix(".yaml")


def read(weights: Path, kind: str) -> Description:
    """The model of a file and its card; raises `ModelError`."""
    card = card_of(weights)
    if not card.is_file():
        raise ModelError(
            f"{weights}: has no card; write {card.name} beside it, as docs/models.md describes"
        )
    top = Field.read(card)
    _only(top, _KEYS)
    pixel = top.get("pixel_size")
    size = _above_zero(pixel) if pixel else None
    fields_in, fields_out = _listed(top, "inputs"), _listed(top, "outputs")
    inputs = [_input(field, size) for field in fields_in]
    outputs = [_output(field, inputs[0], size) for field in fields_out]
    distinct([*fields_in, *fields_out], [*inputs, *outputs])
    wrong = fault(inputs, outputs)
    if wrong is not None:
        raise top.fault(": ".join(wrong))
    labels = top.get("labels")
    own: dict[str, Any] = {"labels": labels.mapping()} if labels else {}
    if size is not None:
        own["pixel_size"] = size
    return Description(
        name=_text(top, "name") or weights.stem,
        version=_text(top, "version"),
        description=_text(top, "description"),
        license=_text(top, "license"),
        authors=(),
        format=FORMAT,
        folder=weights.parent,
        source=card,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        weights=(Weights(weights, None, kind),),
        config={"cytomill": own},
    )


def _input(field: Field, pixel: float | None) -> Tensor:
    _only(field, _INPUT)
    letters = _letters(field)
    shape = field.need("shape").items()
    if len(shape) != len(letters):
        raise field.need("shape").fault(f"lists {len(shape)} sizes for the axes {letters}")
    axes = tuple(
        _axis(letter, _size(each, letter), pixel)
        for letter, each in zip(letters, shape, strict=True)
    )
    dtype = _dtype(field)
    listed = field.many("preprocessing")
    steps = [*_normalised(field, axes), *(step(each, processing.BEFORE) for each in listed)]
    tensor = Tensor(
        _text(field, "name") or "input",
        axes,
        dtype,
        steps=processing.typed(steps, "float32", output=False) if steps else (),
        test=attached(field.get("test"), needed=True),
    )
    processing.check(listed, steps[len(steps) - len(listed) :], tensor, [tensor.id])
    return tensor


def _output(field: Field, first: Tensor, pixel: float | None) -> Tensor:
    _only(field, _OUTPUT)
    letters = _letters(field)
    given, halo = field.get("scale"), field.get("halo")
    scale = _above_zero(given) if given else 1.0
    edge = halo.whole(0) if halo else 0
    count, names = _channels(field)
    axes = []
    for letter in letters:
        name = LETTERS.get(letter, letter)
        size: Size = Open()
        if letter == "c":
            size = Fixed(count)
        elif first.axis(name) is not None and letter != "b":
            size = Relative(first.id, name, scale if KINDS[letter] == "space" else 1.0)
        rim = edge if KINDS[letter] == "space" else 0
        spacing = pixel / scale if pixel else None
        axes.append(_axis(letter, size, spacing, rim, names if letter == "c" else ()))
    dtype = _dtype(field)
    activation = field.get("activation")
    steps = []
    if activation is not None:
        operator = activation.choice("sigmoid", "softmax")
        steps.append(Step(operator, {"axis": "channel"} if operator == "softmax" else {}))
    listed = field.many("postprocessing")
    steps += [step(each, processing.AFTER) for each in listed]
    tensor = Tensor(
        _text(field, "name") or "output",
        tuple(axes),
        dtype,
        steps=processing.typed(steps, dtype, output=True),
        test=attached(field.get("test"), needed=True),
    )
    known = [first.id, tensor.id]
    processing.check(listed, steps[len(steps) - len(listed) :], tensor, known)
    return tensor


def _axis(
    letter: str, size: Size, pixel: float | None, halo: int = 0, names: tuple[str, ...] = ()
) -> Axis:
    spatial = KINDS[letter] == "space" and pixel is not None
    return Axis(
        LETTERS.get(letter, letter),
        KINDS[letter],
        size,
        scale=pixel if spatial and pixel else 1.0,
        unit="micrometer" if spatial else None,
        halo=halo,
        names=names,
    )


def _size(field: Field, letter: str) -> Size:
    text = field.text().replace(" ", "")
    if text == "any":
        return Open() if letter == "b" else Stepped(1, 1)
    match = _SIZE.fullmatch(text)
    if match is None:
        return Fixed(field.whole(1))
    step, least = int(match["step"]), int(match["least"] or match["step"])
    if not step or not least:
        raise field.fault(f"is {text!r}, and must be such as 512, 16n, 64+16n or any")
    return Stepped(least, step)


def _normalised(field: Field, axes: Sequence[Axis]) -> list[Step]:
    """Each channel by its own pixels."""
    given = field.get("normalise")
    if given is None:
        return []
    plane = [axis.id for axis in axes if axis.kind == "space"]
    if not given.is_list:
        given.choice("mean")
        return [Step("zero_mean_unit_variance", {"axes": plane})]
    ends = [each.number() for each in given.items()]
    if len(ends) != 2 or not 0 <= ends[0] < ends[1] <= 100:
        raise given.fault("must be 'mean', or two percentiles such as [1, 99.8]")
    kwargs = {"axes": plane, "min_percentile": ends[0], "max_percentile": ends[1]}
    return [Step("scale_range", kwargs)]


def _channels(field: Field) -> tuple[int, tuple[str, ...]]:
    given = field.get("channels")
    if given is None:
        return 1, ()
    if not given.is_list:
        return given.whole(1), ()
    names = tuple(each.text() for each in given.items())
    if not names:
        raise given.fault("must list at least one name")
    return len(names), names


def _letters(field: Field) -> str:
    given = field.need("axes")
    text = given.text()
    if not text or set(text) - set(KINDS) or len(set(text)) < len(text):
        raise given.fault(f"is {text!r}, and must be different letters of {''.join(KINDS)}")
    return text


def _dtype(field: Field) -> str:
    given = field.get("dtype")
    return given.choice(*processing.DTYPES) if given else "float32"


def _above_zero(field: Field) -> float:
    number = field.number()
    if not 0 < number < float("inf"):
        raise field.fault(f"must be above 0, not {number:g}")
    return number


def _only(field: Field, keys: Sequence[str]) -> None:
    for key in field.names():
        if key not in keys:
            raise field.fault(f"has an unknown key {key!r}; the keys are {', '.join(keys)}")


def _listed(top: Field, key: str) -> list[Field]:
    found = top.need(key)
    items = found.items()
    if not items:
        raise found.fault("must list at least one tensor")
    return items


def _text(field: Field, key: str) -> str:
    found = field.get(key)
    return found.text() if found else ""
