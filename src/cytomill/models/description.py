"""What a BioImage.IO description says: one form for the formats 0.4 and 0.5.

A *description* names a model's weights and its tensors: their axes, sizes and data types, and the
processing before and after the network. Files are parsed once, at the border (`cytomill.models.v04`
and `cytomill.models.v05`); what is here is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .attachment import Attachment as Attachment
from .weights import Weights

#: What an axis counts. ``index`` is any axis without a meaning of its own.
AxisKind = Literal["batch", "channel", "index", "time", "space"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Exactly ``size`` elements."""

    size: int


@dataclass(frozen=True, slots=True)
class Stepped:
    """``least + n * step`` elements for a whole n from 0 on."""

    least: int
    step: int


@dataclass(frozen=True, slots=True)
class Relative:
    """``factor`` times the size of axis ``axis`` of tensor ``tensor``, plus ``offset`` elements."""

    tensor: str
    axis: str
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Open:
    """Whatever the data give, from ``least`` to ``most`` elements (None: no limit).

    The size of a batch axis, and of outputs such as a list of points.
    """

    least: int = 1
    most: int | None = None


Size = Fixed | Stepped | Relative | Open


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a tensor.

    ``id`` is unique in the tensor: ``batch``, ``channel``, ``time``, ``z``, ``y``, ``x`` or another
    word. ``scale`` is the distance between elements in ``unit``; ``halo`` counts the elements at
    each end that are not to be trusted where the tensor was cut there. ``names`` are those of the
    channels, where the description gives them.
    """

    id: str
    kind: AxisKind
    size: Size
    scale: float = 1.0
    unit: str | None = None
    halo: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of pre- or post-processing: an operator of `cytomill.models.processing`.

    ``kwargs`` have the names of format 0.5 whatever the format of the file.
    """

    operator: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output.

    ``dtype`` is the NumPy name of its data type outside the network: before pre-processing of an
    input, after post-processing of an output. ``range`` are its least and largest values where
    given. ``steps`` are pre-processing of an input, post-processing of an output. ``pad`` is how an
    input grows to a size the network takes: a mode of `numpy.pad`.
    """

    id: str
    axes: tuple[Axis, ...]
    dtype: str
    description: str = ""
    range: tuple[float, float] | None = None
    steps: tuple[Step, ...] = ()
    test: Attachment | None = None
    sample: Attachment | None = None
    optional: bool = False
    pad: str = "symmetric"
    pad_value: float = 0.0

    def axis(self, name: str) -> Axis | None:
        """The axis ``name``, or None."""
        return next((axis for axis in self.axes if axis.id == name), None)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far test outputs may be off: ``|found - expected| <= absolute + relative * |expected|``.

    At most ``mismatched`` of a million elements may be further off. It is about the named
    ``outputs`` and kinds of ``weights``, about all where none are named.
    """

    relative: float = 1e-3
    absolute: float = 1e-3
    mismatched: float = 100.0
    outputs: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """A model package on disk, as its description has it.

    ``folder`` holds the package and ``source`` is the description's file in it. ``weights`` are the
    entries of the description in its order, those that cannot be run here among them. ``config`` is
    the description's own section of that name, unparsed. ``refused`` maps a kind of weights to the
    reason why it is not run. ``id`` is the name that the zoo gave the model, such as
    ``affable-shark``. ``tolerances`` are those of single outputs or weights, in the description's
    order, ``tolerance`` that of all others; `allowed` chooses.
    """

    name: str
    version: str
    description: str
    license: str
    authors: tuple[str, ...]
    format: str
    folder: Path
    source: Path
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weights, ...]
    tolerance: Tolerance = Tolerance()
    documentation: Path | None = None
    cite: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    tolerances: tuple[Tolerance, ...] = ()

    @property
    def usable(self) -> tuple[Weights, ...]:
        """The weights that can be run here, in the description's order."""
        return tuple(weights for weights in self.weights if weights.kind not in self.refused)

    def allowed(self, output: str, kind: str) -> Tolerance:
        """How far ``output`` may be off with weights of ``kind``: the first that is about both."""
        for tolerance in self.tolerances:
            if output in (tolerance.outputs or (output,)) and kind in (
                tolerance.weights or (kind,)
            ):
                return tolerance
        return self.tolerance

    def tensor(self, name: str) -> Tensor | None:
        """The input or output ``name``, or None."""
        return next((each for each in (*self.inputs, *self.outputs) if each.id == name), None)
