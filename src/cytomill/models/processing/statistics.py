"""Statistics of whole arrays: moments in float64, percentiles exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: Elements that are converted to float64 at a time: 32 MB.
_SLAB = 2**22

#: From this many elements on, counting the values of 8 and 16-bit integers beats sorting them.
_COUNTED = 2**16

#: How a percentile between two elements is read: methods of `numpy.quantile` of the same names.
Method = Literal["linear", "inverted_cdf"]


def moments(
    values: NDArray[Any], reduced: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (of the population) over the axes ``reduced``, kept as size 1."""
    axes = tuple(reduced)
    count = int(np.prod([values.shape[i] for i in axes]))
    total = sum(slab.sum(axes, np.float64, keepdims=True) for slab in _slabs(values, axes))
    mean = np.asarray(total) / count
    squares = sum(
        np.square(slab - mean).sum(axes, np.float64, keepdims=True) for slab in _slabs(values, axes)
    )
    return mean, np.sqrt(np.asarray(squares) / count)


def _slabs(values: NDArray[Any], axes: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    """The array in pieces along the longest of ``axes``."""
    if not axes:
        yield values
        return
    longest = max(axes, key=lambda i: values.shape[i])
    extent = values.shape[longest]
    step = max(1, _SLAB // max(1, values.size // extent))
    for start in range(0, extent, step):
        yield values[(slice(None),) * longest + (slice(start, start + step),)]


def quantiles(
    values: NDArray[Any], reduced: Sequence[int], wanted: Sequence[float], method: Method
) -> tuple[NDArray[np.float64], ...]:
    """The quantiles ``wanted``, from 0 to 1, over the axes ``reduced``, which are kept as size 1.

    Equal to `numpy.quantile`, in float64; NaN where there is a NaN among the elements.
    """
    kept = [i for i in range(values.ndim) if i not in reduced]
    rows = values.transpose([*kept, *reduced]).reshape([values.shape[i] for i in kept] + [-1])
    if rows.dtype == bool:
        rows = rows.view(np.uint8)
    count = rows.shape[-1]
    shape = [1 if i in reduced else n for i, n in enumerate(values.shape)]
    neighbours = [_neighbours(q, count, method) for q in wanted]
    ranks = sorted({rank for low, high, _ in neighbours for rank in (low, high)} | {count - 1})
    sort = _counted if rows.dtype in (np.uint8, np.uint16) and count >= _COUNTED else _partitioned
    ordered = dict(zip(ranks, sort(rows, ranks), strict=True))
    found = []
    for low, high, share in neighbours:
        below, above = ordered[low], ordered[high]
        # As NumPy does it: from the nearer side, so that a share of 1 yields the upper element.
        step = above - below
        value = below + step * share if share < 0.5 else above - step * (1 - share)
        value = np.where(np.isnan(ordered[count - 1]), np.nan, value)
        found.append(value.reshape(shape))
    return tuple(found)


def _neighbours(q: float, count: int, method: Method) -> tuple[int, int, float]:
    """The ranks that a quantile lies between, and how far it is from the first to the second."""
    if method == "inverted_cdf":
        rank = max(0, int(np.ceil(count * q - 1)))
        return rank, rank, 0.0
    place = q * (count - 1)
    low = int(np.floor(place))
    return low, min(low + 1, count - 1), place - low


def _partitioned(rows: NDArray[Any], ranks: list[int]) -> list[NDArray[np.float64]]:
    """The elements of those ranks in each row."""
    ordered = np.partition(rows, ranks, axis=-1)
    return [ordered[..., rank].astype(np.float64) for rank in ranks]


def _counted(rows: NDArray[Any], ranks: list[int]) -> list[NDArray[np.float64]]:
    """The same by counting how often each value occurs."""
    found = np.empty((len(ranks), *rows.shape[:-1]))
    for index in np.ndindex(*rows.shape[:-1]):
        upto = np.cumsum(np.bincount(rows[index]))
        found[(slice(None), *index)] = np.searchsorted(upto, ranks, side="right")
    return list(found)
