"""From an image to what a model sees of it: samples, and tiles of those that are large."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..image.core import Image, PixelSize
from ..image.units import micrometres
from ..inference.network import Statistics
from ..models.description import Description, Fixed, Stepped, Tensor
from ..models.processing import Chain, Measurements, Named
from ..ops.grid import Box, Grid
from ..settings import settings
from .zoo_axes import axis_of, letters, to_tensor
from .zoo_channels import Channel, Wiring
from .zoo_outputs import factor, grows, kind

#: An image whose pixels differ from the model's by less than this factor is not resampled.
SAME_SCALE = 1.1

#: An image whose pixels differ by more than this is refused: its pixel size is likely wrong.
_FARTHEST = 16

#: Samples of this many planes count as large only where they have so many times more pixels.
_DEEP = 8

#: Tiles begin at multiples of this: networks halve their input up to five times, and see the same
#: only where a tile is shifted by a whole number of cells.
_CELL = 32


class Sampler:
    """Cuts images into samples of one model: a plane, or all planes and times its axes take.

    Large samples are ``tiled`` where the outputs can be put together again.
    """

    def __init__(
        self,
        description: Description,
        wiring: Wiring,
        *,
        rescale: bool = True,
        pixel_size: float | None = None,
        tiled: bool = True,
    ) -> None:
        self._description, self._wiring, self._tiled = description, wiring, tiled
        self._pixel_size = pixel_size
        self._scale = _scale(wiring.tensors[0]) if rescale else None
        axes = "".join(map(letters, wiring.tensors))
        self._timed, self._deep = "T" in axes, "Z" in axes
        self._chains = {tensor.id: Chain.of(tensor) for tensor in wiring.tensors}
        self._after = [Chain.of(tensor) for tensor in description.outputs]
        self._cell = math.lcm(_CELL, *_steps(wiring.tensors))
        self._margin = self._halo()
        self._least = tuple(_least(wiring.tensors, letter) for letter in "YX")

    @property
    def knows_scale(self) -> bool:
        """Whether the model says for which pixel size it was made."""
        return self._scale is not None

    def pixel_size(self, image: Image) -> PixelSize | None:
        """What a pixel is taken to be."""
        if self._pixel_size is None:
            return image.pixel_size
        depth = image.pixel_size.z if image.pixel_size else None
        return PixelSize(self._pixel_size, self._pixel_size, depth)

    def grid(self, image: Image) -> Grid:
        """The model's grid over a plane of ``image``. Raises `InputError` where it is absurd."""
        shape, size = (image.shape[3], image.shape[4]), self.pixel_size(image)
        if size is None or self._scale is None:
            return Grid(shape)
        scale = (size.y / self._scale[0], size.x / self._scale[1])
        if all(1 / SAME_SCALE <= s <= SAME_SCALE for s in scale):
            return Grid(shape)
        if not all(1 / _FARTHEST <= s <= _FARTHEST for s in scale):
            raise InputError(
                image.name,
                f"says its pixels are {size.x:g} µm wide, and model {self._description.name} takes "
                f"{self._scale[1]:g} µm",
                "give their true size with --pixel-size, or --no-rescale",
            )
        return Grid(shape, scale)

    def channels(self, image: Image) -> tuple[Channel, ...]:
        """The channels of the first input."""
        return next(iter(self._wiring.of(image).values()))

    def samples(self, image: Image) -> Iterator[tuple[int, int, int, int]]:
        """First time and plane of each sample, and how many of them it has."""
        frames = image.shape[0] if self._timed else 1
        depth = image.shape[2] if self._deep else 1
        for t in range(0, image.shape[0], frames):
            for z in range(0, image.shape[2], depth):
                yield t, z, frames, depth

    def tiles(self, image: Image) -> list[Box]:
        """The cores of a sample's parts on the model's grid: one, or tiles of a large sample."""
        grid = self.grid(image)
        whole = Box(0, 0, *grid.model_shape)
        _, _, frames, depth = next(self.samples(image))
        several = frames * depth
        limit = settings.whole * (1 if several == 1 else _DEEP)
        if math.prod(whole.shape) * several <= limit or not (self._tiled and self._can_be_cut()):
            return [whole]
        size = max(settings.tile // self._cell, 1) * self._cell
        return list(grid.tiles(size, self._cell))

    def area(self, core: Box, grid: Grid) -> Box:
        """What of the model's grid is needed for the outputs over ``core``.

        All of the network's size, where it has one: it would see mirrored pixels for real ones.
        """
        grown = core.grown(self._margin, grid.model_shape)
        height, width = grid.model_shape
        y0, y1 = self._wide(grown.y0, grown.y1, self._least[0], height)
        x0, x1 = self._wide(grown.x0, grown.x1, self._least[1], width)
        return Box(y0, x0, y1, x1)

    def _wide(self, first: int, last: int, least: int, extent: int) -> tuple[int, int]:
        if last - first >= min(least, extent):
            return first, last
        first = max(0, min(first, extent - least)) // self._cell * self._cell
        return first, min(extent, max(last, first + least))

    def arrays(
        self, image: Image, start: tuple[int, int], count: tuple[int, int], area: Box
    ) -> dict[str, NDArray[Any]]:
        """The rectangle ``area`` of the model's grid as tensors by input.

        ``start`` is the first time and plane, ``count`` how many of each.
        """
        grid = self.grid(image)
        box = grid.on_image(area, grid.margin)
        found = {}
        for tensor in self._wiring.tensors:
            planes = [
                [
                    [
                        _plane(image, grid, (start[0] + t, channel, start[1] + z), box, area)
                        for z in range(count[1])
                    ]
                    for channel in self._wiring.of(image)[tensor.id]
                ]
                for t in range(count[0])
            ]
            found[tensor.id] = to_tensor(np.array(planes), letters(tensor))
        return found

    def statistics(self, image: Image, start: tuple[int, int], count: tuple[int, int]) -> bytes:
        """What pre-processing must know of a whole sample, for `of_tile`.

        Bytes, for they can be sent and compared.
        """
        if not any(chain.looks for chain in self._chains.values()):
            return b""
        whole = self.arrays(image, start, count, Box(0, 0, *self.grid(image).model_shape))
        named = {name: Named(array, self._chains[name].axes) for name, array in whole.items()}
        found = {name: self._chains[name].measure(array, named) for name, array in whole.items()}
        return pickle.dumps(found)

    def of_tile(self, statistics: bytes, arrays: dict[str, NDArray[Any]], area: Box) -> Statistics:
        """The share of the tile ``area`` in the statistics of its sample."""
        if not statistics:
            return Statistics(
                {name: self._chains[name].measure(array) for name, array in arrays.items()}
            )
        known: dict[str, Measurements] = pickle.loads(statistics)
        return Statistics(
            {name: self._share(name, measurements, area) for name, measurements in known.items()}
        )

    def _share(self, name: str, measurements: Measurements, area: Box) -> Measurements:
        tensor = next(tensor for tensor in self._wiring.tensors if tensor.id == name)
        places = {"Y": slice(area.y0, area.y1), "X": slice(area.x0, area.x1)}
        order = letters(tensor)
        return tuple(
            tuple(
                one[
                    tuple(
                        places.get(letter, slice(None)) if size > 1 else slice(None)
                        for letter, size in zip(order, one.shape, strict=True)
                    )
                ]
                for one in measured
            )
            for measured in measurements
        )

    def _can_be_cut(self) -> bool:
        """Whether all outputs are maps that tiles give as the whole does."""
        if any(chain.looks or chain.references for chain in self._after):
            return False
        if any({"y", "x"} & chain.lines for chain in (*self._after, *self._chains.values())):
            return False
        for tensor in self._description.outputs:
            if kind(tensor, self._description) != "map":
                return False
            for letter in "YX":
                times = factor(tensor, letter, self._description) or 0.0
                if grows(tensor, letter) or not (self._cell * times).is_integer() or not times:
                    return False
        return True

    def _halo(self) -> int:
        """The declared halo of the outputs, or an eighth of a tile where none is declared."""
        found = 0.0
        for tensor in self._description.outputs:
            for letter in "YX":
                axis, times = axis_of(tensor, letter), factor(tensor, letter, self._description)
                if axis and times:
                    found = max(found, axis.halo / times)
        return -(-math.ceil(found or settings.tile / 8) // self._cell) * self._cell


def _plane(
    image: Image, grid: Grid, at: tuple[int, Channel, int], box: Box, area: Box
) -> NDArray[Any]:
    """The rectangle ``area`` of the model's grid, of one plane of one channel."""
    t, channel, z = at
    if channel is None:
        planes = [image.read(t, c, z, *box.slices) for c in range(image.shape[1])]
        pixels: NDArray[Any] = np.maximum.reduce(planes)
    else:
        pixels = image.read(t, channel, z, *box.slices)
    if grid.exact:
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return grid.to_model(np.ascontiguousarray(pixels, np.float32), box, area)


def _scale(tensor: Tensor) -> tuple[float, float] | None:
    """The model's pixel size (y, x) in µm, None where its description does not say."""
    y, x = (
        micrometres(axis.scale, axis.unit or "") if (axis := axis_of(tensor, letter)) else None
        for letter in "YX"
    )
    return (y, x) if y and x else None


def _least(tensors: tuple[Tensor, ...], letter: str) -> int:
    """The least elements along an axis that a network takes."""
    sizes = [axis.size for tensor in tensors if (axis := axis_of(tensor, letter))]
    fixed = [size.size for size in sizes if isinstance(size, Fixed)]
    return max([*fixed, *(size.least for size in sizes if isinstance(size, Stepped))], default=1)


def _steps(tensors: tuple[Tensor, ...]) -> Iterator[int]:
    for tensor in tensors:
        for letter in "YX":
            axis = axis_of(tensor, letter)
            if axis and isinstance(axis.size, Stepped):
                yield axis.size.step
