"""The steps of one tensor, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ...errors import ModelError
from ..description import Step, Tensor
from .operator import Measured, Named, Operator
from .pointwise import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)
from .whole import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance

#: What the steps of a chain know of one sample.
Measurements = tuple[Measured, ...]

_OPERATORS: dict[str, type[Operator]] = {
    kind.id: kind
    for kind in (
        Binarize,
        Clip,
        EnsureDtype,
        FixedZeroMeanUnitVariance,
        ScaleLinear,
        ScaleMeanVariance,
        ScaleRange,
        Sigmoid,
        Softmax,
        ZeroMeanUnitVariance,
    )
}

#: Operators that are not run, and why.
_REFUSED = {
    "custom": "it runs Python code that comes with the package",
    "stardist_postprocessing": "it needs the program StarDist",
    "cellpose_flow_dynamics": "it needs the program Cellpose",
}


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of the tensor ``tensor``, whose axes are ``axes``."""

    tensor: str
    axes: tuple[str, ...]
    operators: tuple[Operator, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> Chain:
        """Parse the steps of ``tensor``.

        Raises `ModelError` for an operator that is unknown or not run, and for ``kwargs`` that are
        missing, unknown or out of range.
        """
        axes = tuple(axis.id for axis in tensor.axes)
        return cls(
            tensor.id, axes, tuple(_operator(step, tensor.id, axes) for step in tensor.steps)
        )

    @property
    def references(self) -> frozenset[str]:
        """The other tensors that `measure` looks at."""
        named = {name for operator in self.operators for name in operator.references}
        return frozenset(named - {self.tensor})

    @property
    def lines(self) -> frozenset[str]:
        """The axes of which `apply` must be given all elements."""
        return frozenset(operator.line for operator in self.operators if operator.line)

    @property
    def looks(self) -> bool:
        """Whether `measure` looks at the values of a sample."""
        return any(operator.looks for operator in self.operators)

    def measure(
        self, sample: NDArray[Any], references: Mapping[str, Named] | None = None
    ) -> Measurements:
        """What the steps must know of the whole ``sample``, an array with the chain's axes.

        ``references`` are the tensors of that name, as they are outside the network or, for an
        output, as it came out of it. Raises `ModelError` for one that is missing or does not fit.
        """
        last = max((i for i, one in enumerate(self.operators) if one.looks), default=-1)
        known, found = dict(references or {}), []
        for i, operator in enumerate(self.operators):
            here = Named(sample, self.axes)
            known[self.tensor] = here
            try:
                measured = operator.measure(here, known)
            except KeyError as error:
                raise self._error(operator, f"there is no tensor {error} to refer to") from error
            except ValueError as error:
                raise self._error(operator, str(error)) from error
            found.append(measured)
            if i < last:
                sample = operator.apply(here, measured)
        return tuple(found)

    def apply(
        self,
        window: NDArray[Any],
        measurements: Measurements,
        start: Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """The steps on ``window``, which begins at the element ``start`` of the sample.

        Without ``start`` it is the sample. It may reach beyond the sample's end, where what was
        measured of the last element counts.
        """
        for operator, measured in zip(self.operators, measurements, strict=True):
            own = tuple(_at(one, window.shape, start) for one in measured)
            window = operator.apply(Named(window, self.axes), own)
        return window

    def _error(self, operator: Operator, fault: str) -> ModelError:
        return ModelError(f"tensor {self.tensor!r}: {operator.id}: {fault}")


def _at(
    measured: NDArray[np.float64], shape: tuple[int, ...], start: Sequence[int] | None
) -> NDArray[np.float64]:
    """The part of ``measured`` that belongs to a window."""
    if start is None:
        return measured
    for axis, (first, count) in enumerate(zip(start, shape, strict=True)):
        if measured.shape[axis] > 1:
            places = np.minimum(np.arange(first, first + count), measured.shape[axis] - 1)
            measured = measured.take(places, axis)
    return measured


def _operator(step: Step, tensor: str, axes: tuple[str, ...]) -> Operator:
    where = f"tensor {tensor!r}: {step.operator}"
    if step.operator in _REFUSED:
        raise ModelError(f"{where}: is not run here: {_REFUSED[step.operator]}")
    kind = _OPERATORS.get(step.operator)
    if kind is None:
        raise ModelError(f"{where}: no such operator; there are {', '.join(_OPERATORS)}")
    try:
        operator = kind.model_validate(_plain(step.kwargs))
        operator.check(axes)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][:1])
        fault = first["msg"].removeprefix("Value error, ")
        raise ModelError(f"{where}: {place + ': ' if place else ''}{fault}") from error
    except ValueError as error:
        raise ModelError(f"{where}: {error}") from error
    return operator


def _plain(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments less those that say "the default" by being null."""
    return {name: value for name, value in kwargs.items() if value is not None}
