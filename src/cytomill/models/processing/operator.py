"""The contract of an operator, and the arithmetic on named axes that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

#: What an operator knows of a sample: arrays of the sample's rank, of its size or 1 on each axis.
Measured = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """An array and the ids of its axes."""

    values: NDArray[Any]
    axes: tuple[str, ...]

    def places(self, reduced: Sequence[str] | None) -> tuple[int, ...]:
        """Where the axes ``reduced`` are, None for all; raises `ValueError` for one it lacks.

        A batch axis may be named without being there: that is a sample by itself.
        """
        if reduced is None:
            return tuple(range(len(self.axes)))
        check(reduced, self.axes)
        return tuple(i for i, axis in enumerate(self.axes) if axis in reduced)

    def aligned(self, axes: Sequence[str]) -> NDArray[Any]:
        """The values with the axes ``axes``, of size 1 where they are new.

        Raises `ValueError` where an axis that is not among them has more than one element.
        """
        lost = [i for i, axis in enumerate(self.axes) if axis not in axes]
        if any(self.values.shape[i] > 1 for i in lost):
            raise ValueError(f"axes {', '.join(self.axes)} do not fit {', '.join(axes)}")
        kept = [axis for axis in self.axes if axis in axes]
        values = self.values.squeeze(tuple(lost)).transpose(
            [kept.index(axis) for axis in axes if axis in kept]
        )
        return values.reshape([self.size(axis) for axis in axes])

    def size(self, axis: str) -> int:
        """Elements along ``axis``, 1 where there is no such axis."""
        return self.values.shape[self.axes.index(axis)] if axis in self.axes else 1


class Operator(BaseModel):
    """One step: its fields are the ``kwargs`` of format 0.5, and an unknown one is refused.

    Raises `ValueError` throughout; the chain says whose step it was.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    #: Its ``id`` in a description.
    id: ClassVar[str]

    #: Whether `measure` looks at the values of a sample, not only at its shape.
    looks: ClassVar[bool] = False

    @property
    def references(self) -> tuple[str, ...]:
        """The tensors that `measure` looks at besides its own."""
        return ()

    @property
    def line(self) -> str | None:
        """The axis of which `apply` must be given all, for each element depends on the others."""
        return None

    def check(self, axes: Sequence[str]) -> None:
        """Compare the fields with the axes of the tensor; raises `ValueError`."""

    def measure(self, sample: Named, references: Mapping[str, Named]) -> Measured:
        """What `apply` will need of the whole ``sample``."""
        return ()

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """The step on ``window``: an array of the same shape.

        ``measured`` broadcasts to it. An operator that computes yields float32, or float64 where
        float32 cannot hold the window's data type.
        """
        raise NotImplementedError


def check(named: Sequence[str], axes: Sequence[str]) -> None:
    """Raise `ValueError` where ``named`` has an axis that is neither in ``axes`` nor the batch."""
    for axis in named:
        if axis not in axes and axis != "batch":
            raise ValueError(f"there is no axis {axis!r}; the axes are {', '.join(axes)}")


def along(values: float | Sequence[float], axis: str | None, sample: Named) -> NDArray[np.float64]:
    """``values`` as an array that broadcasts to ``sample``: one number, or one for each element of
    ``axis``; a list of one is one number for all."""
    given = np.atleast_1d(np.asarray(values, np.float64))
    shape = [1] * len(sample.axes)
    if given.size > 1:
        if axis is None:
            raise ValueError(f"{given.size} values are given, but no axis for them")
        if given.size != sample.size(axis):
            raise ValueError(
                f"{given.size} values are given for {sample.size(axis)} elements of axis {axis!r}"
            )
        shape[sample.axes.index(axis)] = given.size
    return given.reshape(shape)


def real(values: NDArray[Any]) -> np.dtype[Any]:
    """The data type of what is computed from ``values``: float32 where that holds them."""
    return np.result_type(values.dtype, np.float32)


def cast(values: NDArray[Any], dtype: str | np.dtype[Any]) -> NDArray[Any]:
    """``values`` as ``dtype``: what lies beyond an integer type becomes its least or largest value,
    fractions are cut off and NaN becomes 0. The same array where there is nothing to do."""
    wanted = np.dtype(dtype)
    if values.dtype == wanted:
        return values
    if wanted.kind in "iu" and values.dtype.kind == "f":
        limits = np.iinfo(wanted)
        # Float32 rounds the largest 32-bit integer up: float64, and for 64 bits a limit below it.
        most = float(limits.max) if wanted.itemsize < 8 else np.nextafter(float(limits.max), 0)
        exact = values.astype(np.float64) if wanted.itemsize >= 4 else values
        within: NDArray[Any] = np.clip(exact, limits.min, most)
        values = np.nan_to_num(within, copy=False)
    elif wanted.kind in "iu" and values.dtype.kind in "iu":
        limits, own = np.iinfo(wanted), np.iinfo(values.dtype)
        if own.min < limits.min or own.max > limits.max:
            low, high = max(limits.min, own.min), min(limits.max, own.max)
            values = values.clip(low, high)
    with np.errstate(over="ignore"):
        return values.astype(wanted)
