"""Operators that see one element at a time, or one line of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, model_validator

from .operator import Measured, Named, Operator, along, cast, check, real

#: One number for all, or one for each element of an axis.
Values = float | tuple[float, ...]


class EnsureDtype(Operator):
    """Convert to ``dtype``; what does not fit is treated as in `cast`."""

    id: ClassVar[str] = "ensure_dtype"

    dtype: Literal[
        "float32", "float64", "bool",
        "uint8", "uint16", "uint32", "uint64",
        "int8", "int16", "int32", "int64",
    ]  # fmt: skip

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        return cast(window.values, self.dtype)


class Sigmoid(Operator):
    """``1 / (1 + exp(-x))``."""

    id: ClassVar[str] = "sigmoid"

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        x: NDArray[Any] = np.negative(window.values, dtype=real(window.values))
        with np.errstate(over="ignore"):
            np.exp(x, out=x)
            x += 1
            np.reciprocal(x, out=x)
        return x


class Softmax(Operator):
    """``exp(x) / sum(exp(x))`` along ``axis``."""

    id: ClassVar[str] = "softmax"

    axis: str = "channel"

    @property
    def line(self) -> str | None:
        """See `Operator.line`."""
        return self.axis

    def check(self, axes: Sequence[str]) -> None:
        """See `Operator.check`."""
        _check_axis(self.axis, axes)

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        x, place = window.values.astype(real(window.values)), window.axes.index(self.axis)
        x -= x.max(place, keepdims=True)
        np.exp(x, out=x)
        x /= x.sum(place, keepdims=True)
        return x


class _Fixed(Operator):
    """Numbers of the description, one for all elements or one for each of ``axis``."""

    axis: str | None = None

    def check(self, axes: Sequence[str]) -> None:
        """See `Operator.check`."""
        if self.axis is not None:
            _check_axis(self.axis, axes)

    def _values(self) -> tuple[Values, ...]:
        raise NotImplementedError

    def measure(self, sample: Named, references: Mapping[str, Named]) -> Measured:
        """The numbers: so a window gets those of its own elements."""
        return tuple(along(values, self.axis, sample) for values in self._values())


class Binarize(_Fixed):
    """``x > threshold``, as bool."""

    id: ClassVar[str] = "binarize"

    threshold: Values

    def _values(self) -> tuple[Values, ...]:
        return (self.threshold,)

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        (threshold,) = measured
        above: NDArray[np.bool_] = window.values > threshold
        return above


class ScaleLinear(_Fixed):
    """``x * gain + offset``."""

    id: ClassVar[str] = "scale_linear"

    gain: Values = 1.0
    offset: Values = 0.0

    def _values(self) -> tuple[Values, ...]:
        return self.gain, self.offset

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        gain, offset = measured
        return (window.values * gain + offset).astype(real(window.values))


class FixedZeroMeanUnitVariance(_Fixed):
    """``(x - mean) / (std + eps)`` with numbers of the description."""

    id: ClassVar[str] = "fixed_zero_mean_unit_variance"

    mean: Values
    std: PositiveFloat | tuple[PositiveFloat, ...]
    eps: PositiveFloat = 1e-6

    @model_validator(mode="after")
    def _alike(self) -> Self:
        counts = [len(v) for v in (self.mean, self.std) if isinstance(v, tuple)]
        if len(set(counts)) > 1:
            raise ValueError(f"mean has {counts[0]} values, std has {counts[1]}")
        return self

    def _values(self) -> tuple[Values, ...]:
        return self.mean, self.std

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        mean, std = measured
        return ((window.values - mean) / (std + self.eps)).astype(real(window.values))


def _check_axis(axis: str, axes: Sequence[str]) -> None:
    check([axis], axes)
    if axis not in axes or axis == "batch":
        raise ValueError(f"axis {axis!r} cannot be meant; the axes are {', '.join(axes)}")
