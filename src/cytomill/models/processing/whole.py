"""Operators that must know the whole sample.

``axes`` are those that are reduced, None for all. Where the batch is among them, the description
means statistics of a *data set*; of the data set there is one array to be seen, with all samples
in it, and its statistics are taken. Otherwise each sample of the batch has its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, model_validator

from .operator import Measured, Named, Operator, check, real
from .statistics import Method, moments, quantiles

_Low = Annotated[float, Field(ge=0, lt=100)]
_High = Annotated[float, Field(gt=1, le=100)]


class _Whole(Operator):
    looks: ClassVar[bool] = True

    axes: tuple[str, ...] | None = None

    def check(self, axes: Sequence[str]) -> None:
        """See `Operator.check`."""
        check(self.axes or (), axes)

    @property
    def _of_data_set(self) -> bool:
        return self.axes is None or "batch" in self.axes


class ZeroMeanUnitVariance(_Whole):
    """``(x - mean) / (std + eps)``."""

    id: ClassVar[str] = "zero_mean_unit_variance"

    eps: PositiveFloat = 1e-6

    def measure(self, sample: Named, references: Mapping[str, Named]) -> Measured:
        """Mean and standard deviation."""
        return moments(sample.values, sample.places(self.axes))

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        mean, std = measured
        return ((window.values - mean) / (std + self.eps)).astype(real(window.values))


class ScaleRange(_Whole):
    """``(x - low) / (high - low + eps)`` between two percentiles.

    They are those of ``reference_tensor`` where one is named.
    """

    id: ClassVar[str] = "scale_range"

    min_percentile: _Low = 0.0
    max_percentile: _High = 100.0
    eps: PositiveFloat = 1e-6
    reference_tensor: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_percentile >= self.max_percentile:
            raise ValueError("min_percentile must be below max_percentile")
        return self

    @property
    def references(self) -> tuple[str, ...]:
        """See `Operator.references`."""
        return (self.reference_tensor,) if self.reference_tensor else ()

    def measure(self, sample: Named, references: Mapping[str, Named]) -> Measured:
        """The two percentiles, linear between elements."""
        source = references[self.reference_tensor] if self.reference_tensor else sample
        wanted = (self.min_percentile / 100, self.max_percentile / 100)
        found = quantiles(source.values, source.places(self.axes), wanted, "linear")
        return _aligned(found, source, sample)

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        low, high = measured
        return ((window.values - low) / (high - low + self.eps)).astype(real(window.values))


class ScaleMeanVariance(_Whole):
    """``(x - mean) / (std + eps) * (reference std + eps) + reference mean``."""

    id: ClassVar[str] = "scale_mean_variance"

    reference_tensor: str
    eps: PositiveFloat = 1e-6

    @property
    def references(self) -> tuple[str, ...]:
        """See `Operator.references`."""
        return (self.reference_tensor,)

    def measure(self, sample: Named, references: Mapping[str, Named]) -> Measured:
        """Mean and standard deviation of the sample and of the reference."""
        source = references[self.reference_tensor]
        there = moments(source.values, source.places(self.axes))
        own = moments(sample.values, sample.places(self.axes))
        return (*own, *_aligned(there, source, sample))

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        mean, std, wanted_mean, wanted_std = measured
        x = (window.values - mean) / (std + self.eps)
        return (x * (wanted_std + self.eps) + wanted_mean).astype(real(window.values))


class Clip(_Whole):
    """Values below the least and above the most become these: numbers, or percentiles.

    A percentile of a sample is the first element with that share of elements up to it, one of a
    data set is linear between elements; both as in the reference implementation.
    """

    id: ClassVar[str] = "clip"

    min: float | None = None
    max: float | None = None
    min_percentile: _Low | None = None
    max_percentile: _High | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min is not None and self.min_percentile is not None:
            raise ValueError("min and min_percentile exclude each other")
        if self.max is not None and self.max_percentile is not None:
            raise ValueError("max and max_percentile exclude each other")
        least, most = (self.min, self.max) if not self._percentiles else self._percentiles
        if self.min is None and self.max is None and not self._percentiles:
            raise ValueError("min or max must be given, or their percentiles")
        if least is not None and most is not None and least > most:
            raise ValueError("the least value must be below the most")
        if self.axes is not None and not self._percentiles:
            raise ValueError("axes are for percentiles, and none is given")
        return self

    @property
    def _percentiles(self) -> tuple[float | None, float | None] | None:
        found = self.min_percentile, self.max_percentile
        return None if found == (None, None) else found

    def measure(self, sample: Named, references: Mapping[str, Named]) -> Measured:
        """The least and the most, infinite where there is none."""
        low = -np.inf if self.min is None else self.min
        high = np.inf if self.max is None else self.max
        bounds = [np.full([1] * len(sample.axes), bound) for bound in (low, high)]
        percentiles = (self.min_percentile, self.max_percentile)
        wanted = [p / 100 for p in percentiles if p is not None]
        method: Method = "linear" if self._of_data_set else "inverted_cdf"
        if wanted:
            places = sample.places(self.axes)
            found = iter(quantiles(sample.values, places, wanted, method))
            for i, percentile in enumerate(percentiles):
                if percentile is not None:
                    bounds[i] = next(found)
        return tuple(bounds)

    def apply(self, window: Named, measured: Measured) -> NDArray[Any]:
        """See `Operator.apply`."""
        low, high = measured
        clipped: NDArray[Any] = np.clip(window.values, low, high)
        return clipped.astype(real(window.values))


def _aligned(measured: Measured, source: Named, sample: Named) -> Measured:
    """What was measured of ``source``, as arrays that broadcast to ``sample``."""
    found = []
    for values in measured:
        one = Named(values, source.axes).aligned(sample.axes)
        fits = all(n in (1, m) for n, m in zip(one.shape, sample.values.shape, strict=True))
        if not fits:
            raise ValueError(f"a reference of {source.values.shape} elements does not fit")
        found.append(one.astype(np.float64, copy=False))
    return tuple(found)
