"""Nuclei in fluorescence images: labels and measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..errors import InputError
from ..image.core import Image, PixelSize
from ..inference.pixels import SUFFIX
from ..inference.runtime import Models, Runtime
from ..models.card import Model
from ..models.registry import find
from ..ops.grid import Box, Grid
from ..ops.measure import measure
from ..ops.normalise import Contrast, levels
from ..ops.watershed import Watershed, divide, watershed
from ..settings import settings
from .base import Options, Part, Partial, Pipeline, Result
from .gathering import gather, sequential
from .nuclei_scale import better_scale
from .stopwatch import Stopwatch

#: An image whose pixels differ from the model's by less than this factor is not resampled: the
#: network was trained on scales from 0.4 to 2.5, so resampling would cost time for nothing.
SAME_SCALE = 1.35

#: Pixel sizes in µm at which nuclei can be segmented: at the least they would fill a camera's
#: frame, at the most they would be two pixels wide.
SMALLEST_PIXEL, LARGEST_PIXEL = 0.01, 5.0

#: Planes of more pixels than this times `settings.whole` are tiled however few they are on the
#: model's grid.
_DENSEST = 4

#: Times that a plane of unknown pixel size may be looked at again, at another scale.
_ROUNDS = 3


_MODEL = "nuclei"


class NucleiOptions(Options):
    """Options of the ``nuclei`` pipeline."""

    channel: str | None = Field(
        None,
        coerce_numbers_to_str=True,
        description="Channel that shows the nuclei: its name, or its number from 0. Default: the "
        "first whose name speaks of a nuclear stain, else the first.",
    )
    pixel_size: float | None = Field(
        None,
        ge=SMALLEST_PIXEL,
        le=LARGEST_PIXEL,
        description="Size of a pixel in µm, where the file does not say or is wrong.",
    )
    contrast: Contrast = Field(
        "linear",
        description="How brightness is shown to the model: linear, or log for dim nuclei beside "
        "bright ones; auto is log for raw images whose background is dark and even.",
    )
    measure: bool = Field(True, description="Measure every nucleus.")


@dataclass(frozen=True, slots=True)
class _Found:
    """What is in a part: the ``pixels`` (y, x) and ``labels`` (y, x), ids 1..``count``, of ``box``.

    ``bent`` says that the model saw brightness on a logarithmic scale.
    """

    box: Box
    pixels: NDArray[Any]
    labels: NDArray[np.int32]
    count: int
    bent: bool


class Nuclei(Pipeline[NucleiOptions]):
    """Segment nuclei with the built-in model, plane by plane."""

    name: ClassVar[str] = "nuclei"
    summary: ClassVar[str] = "Finds, outlines and measures nuclei in fluorescence images."
    objects: ClassVar[str] = "Nucleus"
    models: ClassVar[tuple[str, ...]] = (_MODEL,)
    Options: ClassVar[type[Options]] = NucleiOptions

    def __init__(self, options: NucleiOptions) -> None:
        super().__init__(options)
        self._model: Model = find(_MODEL)
        self._watershed = Watershed(**self._model.settings["watershed"])

    def load(self, models: Models) -> Mapping[str, Runtime]:
        """See `Pipeline.load`."""
        return {_MODEL: models[_MODEL + SUFFIX]}

    def split(self, image: Image) -> Sequence[Part]:
        """Planes; of planes above `settings.whole` pixels, tiles."""
        grid = self._grid(image)
        channel = self.channel(image)
        contrast = self._contrast(image)
        whole = Box(0, 0, *grid.model_shape)
        parts: list[Part] = []
        for t, z in image.planes:
            if max(np.prod(whole.shape), np.prod(image.shape[3:]) / _DENSEST) <= settings.whole:
                parts.append(Part(len(parts), t, z, whole, statistics=contrast))
                continue
            read = _reader(image, channel, t, z)
            try:
                between = levels(image.shape[3:], read, contrast)
            except InputError:
                between = None  # `process` fails too, of what a movie may do without
            # Where the model's grid is coarser, a tile must not cover too much of the image.
            size = max(256, int(settings.tile * min(1.0, *grid.scale)))
            for core in grid.tiles(size, self._model.stride):
                parts.append(Part(len(parts), t, z, core, between))
        return parts

    def process(self, image: Image, part: Part, models: Models) -> Partial:
        """Read, predict, label and measure one part."""
        watch = Stopwatch()
        found = self._fitted(image, part, models, watch)
        columns: dict[str, NDArray[Any]] = {}
        if self.options.measure:
            with watch("measure"):
                channel = self.channel(image)
                planes = [
                    found.pixels
                    if c == channel
                    else image.read(part.t, c, part.z, *found.box.slices)
                    for c in range(image.shape[1])
                ]
                columns = measure(found.labels, planes, found.count)
        return Partial(
            part.index,
            part.t,
            part.z,
            found.box,
            found.labels,
            found.count,
            columns,
            watch.seconds,
        )

    def merge(self, image: Image, partials: Iterable[Partial], scratch: Path) -> Result:
        """Number the nuclei through the image, and put their rows together."""
        return gather(
            image,
            partials,
            scratch,
            measured=self.options.measure,
            channel=self.shows(image),
            pixel_size=self.pixel_size(image),
        )

    def shows(self, image: Image) -> int | None:
        """See `Pipeline.shows`: the channel that is segmented."""
        return self.channel(image)

    def channel(self, image: Image) -> int | None:
        """The channel to segment; None for the brightest of a colour picture's three."""
        if image.rgb and self.options.channel is None:
            return None
        return image.channel(self.options.channel)

    def pixel_size(self, image: Image) -> PixelSize | None:
        """What a pixel is taken to be; None where it is not known. Raises `InputError`."""
        size = image.pixel_size
        if self.options.pixel_size is not None:
            depth = size.z if size else None
            return PixelSize(self.options.pixel_size, self.options.pixel_size, depth)
        if size and not all(SMALLEST_PIXEL <= s <= LARGEST_PIXEL for s in (size.y, size.x)):
            raise InputError(
                image.name,
                f"says its pixels are {size.x:g} µm wide and {size.y:g} µm high, at which no "
                "nucleus can be outlined",
                "give their true size with --pixel-size",
            )
        return size

    def _grid(self, image: Image) -> Grid:
        size = self.pixel_size(image)
        shape = (image.shape[3], image.shape[4])
        if size is None:
            return Grid(shape)
        scale = (size.y / self._model.pixel_size, size.x / self._model.pixel_size)
        if all(1 / SAME_SCALE <= s <= SAME_SCALE for s in scale):
            return Grid(shape)
        return Grid(shape, scale)

    def _contrast(self, image: Image) -> Contrast:
        """How brightness is shown, the same in all planes: as in most of the first, middle, last.

        That of a single plane is found where it is read.
        """
        planes = image.planes
        if self.options.contrast != "auto" or len(planes) == 1:
            return self.options.contrast
        channel = self.channel(image)
        bent: list[bool] = []
        for t, z in {planes[0], planes[len(planes) // 2], planes[-1]}:
            # What is wrong with a plane is told when it is processed.
            with suppress(InputError):
                read = _reader(image, channel, t, z)
                bent.append(levels(image.shape[3:], read, "auto").knee is not None)
        return "log" if 2 * sum(bent) > len(bent) else "linear"

    def _fitted(self, image: Image, part: Part, models: Models, watch: Stopwatch) -> _Found:
        """What is in a part: of a plane of unknown pixel size, at a scale that suits its nuclei."""
        grid = self._grid(image)
        found = self._find(image, part, grid, models, watch)
        if self.pixel_size(image) or part.core != Box(0, 0, *grid.model_shape):
            return found
        for _ in range(_ROUNDS):
            scale = better_scale(found.labels, grid.scale[0], found.bent)
            other = Grid(grid.shape, (scale, scale))
            if other == grid or np.prod(other.model_shape) > settings.whole:
                break
            grid = other
            whole = replace(part, core=Box(0, 0, *grid.model_shape))
            found = self._find(image, whole, grid, models, watch)
        return found

    def _find(
        self, image: Image, part: Part, grid: Grid, models: Models, watch: Stopwatch
    ) -> _Found:
        """Read, predict and label one part, whose core is on ``grid``."""
        read = _reader(image, self.channel(image), part.t, part.z)
        area = part.core.grown(self._model.halo, grid.model_shape)
        box = grid.on_image(area, grid.margin)
        with watch("read"):
            pixels = read(*box.slices)
        # The watershed runs on the finer of the two grids, so that neither small nuclei nor smooth
        # outlines are lost.
        wanted = "relief" if min(grid.scale) >= 1 else "maps"
        with watch("predict"):
            tensors: dict[str, NDArray[Any]] = {
                "pixels": pixels,
                "plane": np.array(grid.shape),
                "scale": np.array(grid.scale),
                "area": np.array([area.y0, area.x0, area.y1, area.x1]),
            }
            between = part.levels
            if between is None and part.statistics != "linear":
                between = levels(pixels.shape, lambda y, x: pixels[y, x], part.statistics)
            if between is not None:
                tensors["levels"] = np.array([between.low, between.high])
                if between.knee is not None:
                    tensors["knee"] = np.array([between.knee])
            predicted: NDArray[Any] = models[_MODEL + SUFFIX].infer(tensors, [wanted])[wanted]
        with watch("label"):
            labels, count = self._label(grid, predicted, area, box, part.core)
        bent = between is not None and between.knee is not None
        return _Found(box, pixels, labels, count, bent)

    def _label(
        self, grid: Grid, predicted: NDArray[Any], area: Box, box: Box, core: Box
    ) -> tuple[NDArray[np.int32], int]:
        """Labels over the image's ``box`` of the nuclei whose peak lies in ``core``, and how many.

        ``predicted`` over ``area`` is the relief where the model's grid is the finer, else maps.
        """
        if predicted.ndim == 2:
            found, mine = divide(predicted, self._watershed), core
        else:
            zoom = grid.scale[0] * grid.scale[1]
            how = replace(self._watershed, area=round(self._watershed.area / zoom))
            maps = grid.to_image(predicted, area, box)
            found, mine, area = watershed(maps, how), grid.cell(core), box
        labels, whole = found.labels, core == Box(0, 0, *grid.model_shape)
        resampled = not grid.exact and area is not box
        if resampled:
            # With all that is there: where nuclei touch, the neighbour has a say.
            labels = grid.labels_to_image(labels, area, box)
        if not whole:
            labels = _only(labels, found.peaks, area, mine)
        elif not resampled:
            return labels, len(found.peaks)
        return sequential(labels)


def _reader(
    image: Image, channel: int | None, t: int, z: int
) -> Callable[[slice, slice], NDArray[Any]]:
    def read(y: slice, x: slice) -> NDArray[Any]:
        if channel is not None:
            return image.read(t, channel, z, y, x)
        planes = [image.read(t, c, z, y, x) for c in range(image.shape[1])]
        brightest: NDArray[Any] = np.maximum.reduce(planes)
        return brightest

    return read


def _only(
    labels: NDArray[np.int32], peaks: NDArray[np.int32], area: Box, core: Box
) -> NDArray[np.int32]:
    """The labels of nuclei whose peak, in ``area``, lies in ``core``; others become background."""
    keep = core.holds(peaks + np.array([area.y0, area.x0]))
    ids = np.concatenate([[0], np.where(keep, np.arange(1, len(keep) + 1), 0)]).astype(np.int32)
    return ids[labels]
