"""Maps of an image: where they are put together, and how they come to an image's own grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..models.description import Description, Tensor
from ..ops.grid import Box, Grid
from .zoo_axes import axis_of, letters, to_image
from .zoo_outputs import factor, grows

#: Maps of more bytes than this go to disk.
IN_MEMORY = 2**28

#: Pixels that are resampled at a time.
_BAND = 2**22


def volume(shape: tuple[int, ...], dtype: np.dtype[Any], scratch: Path, name: str) -> NDArray[Any]:
    """Zeros of ``shape``: in memory, or in the file ``name`` in ``scratch``."""
    if np.prod(shape, dtype=float) * dtype.itemsize <= IN_MEMORY:
        return np.zeros(shape, dtype)
    return np.lib.format.open_memmap(scratch / f"{name}.npy", "w+", dtype, shape)


def resample(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Fill ``target`` (y, x) with ``source`` (y, x) at another size; a band of rows at a time.

    Floats are interpolated between the centres of pixels; integers are those of the nearest pixel.
    """
    height, width = target.shape
    grid = Grid((height, width), (source.shape[0] / height, source.shape[1] / width))
    step = max(1, _BAND // width)
    for top in range(0, height, step):
        box = Box(top, 0, min(top + step, height), width)
        first = max(0, int(box.y0 * grid.scale[0]) - 1)
        last = min(source.shape[0], int(np.ceil(box.y1 * grid.scale[0])) + 1)
        at = Box(first, 0, last, source.shape[1])
        rows = np.ascontiguousarray(source[first:last])
        if rows.dtype.kind != "f":
            target[box.slices] = grid.labels_to_image(rows, at, box)
            continue
        smooth = rows.astype(np.promote_types(rows.dtype, np.float32), copy=False)
        target[box.slices] = grid.to_image(smooth[None], at, box)[0]


def shifted(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Put ``source`` (y, x) in the middle of ``target`` (y, x): what lies beyond it is cut off."""
    into, out_of = [], []
    for own, wanted in zip(source.shape, target.shape, strict=True):
        before = (wanted - own) // 2
        into.append(slice(max(before, 0), max(before, 0) + min(own, wanted)))
        out_of.append(slice(max(-before, 0), max(-before, 0) + min(own, wanted)))
    target[tuple(into)] = source[tuple(out_of)]


@dataclass(frozen=True, slots=True)
class MapOutput:
    """An output that is an image: ``scale`` are its elements (y, x) for one of the input.

    ``grown`` says that it has more or fewer at its ends, as where a network gives no edges.
    """

    tensor: Tensor
    letters: str
    scale: tuple[float, float]
    grown: bool

    @classmethod
    def of(cls, tensor: Tensor, description: Description) -> Self:
        """The output ``tensor``, which `kind` says is a map."""
        y, x = (factor(tensor, letter, description) or 1.0 for letter in "YX")
        return cls(tensor, letters(tensor), (y, x), any(grows(tensor, a) for a in "YX"))

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of its channels; none where they have none."""
        axis = axis_of(self.tensor, "C")
        return axis.names if axis else ()

    def image(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The output as (t, c, z, y, x)."""
        return to_image(tensor, self.letters)

    def cell(self, box: Box) -> Box:
        """The elements for a rectangle of the input that begins at a whole one."""
        (y, x), bounds = self.scale, (box.y0, box.x0, box.y1, box.x1)
        return Box(*(int(n * s + 1e-6) for n, s in zip(bounds, (y, x, y, x), strict=True)))

    def size(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Elements (y, x) for a plane of ``shape``, but for those more or fewer at the ends."""
        y, x = self.cell(Box(0, 0, *shape)).shape
        return max(1, y), max(1, x)

    def over(
        self, maps: NDArray[Any], sample: tuple[int, int], shape: tuple[int, int]
    ) -> NDArray[Any]:
        """``maps`` (…, y, x) of a ``sample`` of that size on a grid of ``shape``."""
        if self.grown and maps.shape[-2:] != self.size(sample):
            maps = _each(shifted, maps, self.size(sample))
        return maps if maps.shape[-2:] == shape else _each(resample, maps, shape)


def _each(
    fill: Callable[[NDArray[Any], NDArray[Any]], None], maps: NDArray[Any], shape: tuple[int, int]
) -> NDArray[Any]:
    found = np.zeros((*maps.shape[:-2], *shape), maps.dtype)
    for index in np.ndindex(maps.shape[:-2]):
        fill(maps[index], found[index])
    return found
