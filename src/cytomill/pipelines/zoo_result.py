"""Putting together what came of the parts of an image: volumes of maps, labels, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.array import ArraySource
from ..image.core import AXES, Image, PixelSize
from ..ops.grid import Box, Grid
from .canvas import Canvas, Stack
from .zoo_labels import Labelling
from .zoo_maps import MapOutput, resample, volume
from .zoo_objects import Rows, label, pieces, rows
from .zoo_outputs import Scores


@dataclass(slots=True)
class Produced:
    """What came of one part besides labels.

    ``maps`` (t, c, z, y, x) by output are those of the whole sample or, where ``core`` is given, of
    that tile of the model's grid. ``scores`` are values of classes, ``arrays`` other outputs.
    """

    maps: dict[str, NDArray[Any]] = field(default_factory=dict)
    core: Box | None = None
    scores: Scores | None = None
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    rows: list[Rows] = field(default_factory=list)


class Volumes:
    """The maps of an image, whole: on the model's grid, then on the image's own."""

    def __init__(
        self,
        image: Image,
        outputs: Mapping[str, MapOutput],
        grid: Grid,
        sample: tuple[int, int],
        scratch: Path,
    ) -> None:
        self._image, self._outputs, self._grid = image, outputs, grid
        self._frames, self._depth = sample
        self._scratch = scratch
        self._made: dict[str, NDArray[Any]] = {}

    def take(self, t: int, z: int, produced: Produced) -> None:
        """Add the maps of the part whose first time and plane these are."""
        for number, (name, maps) in enumerate(produced.maps.items()):
            output, core = self._outputs[name], produced.core
            plane = output.size(self._grid.model_shape) if core else maps.shape[3:]
            if name not in self._made:
                samples = self._image.shape[0] // self._frames, self._image.shape[2] // self._depth
                times, channels, depths = maps.shape[:3]
                shape = (times * samples[0], channels, depths * samples[1], *plane)
                self._made[name] = volume(shape, maps.dtype, self._scratch, f"map{number}")
            times, _, depths = maps.shape[:3]
            t0, z0 = t // self._frames * times, z // self._depth * depths
            place = output.cell(core).slices if core else (slice(None), slice(None))
            self._made[name][t0 : t0 + times, :, z0 : z0 + depths, *place] = maps

    def finished(self) -> dict[str, NDArray[Any]]:
        """The volumes (t, c, z, y, x) at the image's own pixel size."""
        found = {}
        shape = (self._image.shape[3], self._image.shape[4])
        for number, (name, own) in enumerate(self._made.items()):
            size = self._outputs[name].size(shape)
            if self._grid.exact or own.shape[3:] == size:
                found[name] = own
                continue
            full = volume((*own.shape[:3], *size), own.dtype, self._scratch, f"image{number}")
            for index in np.ndindex(own.shape[:3]):
                resample(own[index], full[index])
            found[name] = full
        return found


def as_image(image: Image, output: MapOutput, data: NDArray[Any], size: PixelSize | None) -> Image:
    """A map (t, c, z, y, x) of ``image`` as an image, with its channels and its pixel size."""
    sizes, own = dict(zip(AXES, data.shape, strict=True)), dict(zip(AXES, image.shape, strict=True))
    declared = {a for a in image.axes.replace("C", "") if sizes[a] == own[a] or a in "YX"}
    if size is not None:
        depth = size.z if data.shape[2] == image.shape[2] else None
        size = PixelSize(size.y / output.scale[0], size.x / output.scale[1], depth)
    t, c, z, y, x = data.shape
    return replace(
        image,
        axes="".join(a for a in AXES if a in declared or sizes[a] > 1),
        shape=(t, c, z, y, x),
        dtype=data.dtype,
        source=ArraySource(data),
        pixel_size=size,
        channels=output.channels,
        rgb=False,
    )


class Objects:
    """The labels of an image and their measurements."""

    def __init__(self, image: Image, how: Labelling, scratch: Path, *, measured: bool) -> None:
        self._image, self._how, self._measured = image, how, measured
        times, _, depths, height, width = image.shape
        shape = (times, depths, height, width)
        self._classes = how.method == "classes"
        self._canvas = Canvas(shape, scratch, numbered=not self._classes)
        #: Measurements, and what is to be added to their labels.
        self.rows: list[tuple[Rows, int]] = []

    def take(
        self, t: int, z: int, box: Box, labels: NDArray[Any], count: int, found: list[Rows]
    ) -> None:
        """Add the labels (y, x) or (t, z, y, x) over ``box``, ids 1 to ``count``."""
        offset = self._canvas.paste(t, z, box, labels, count)
        self.rows += [(one, offset) for one in found]

    def plane(self, t: int, z: int, maps: Mapping[str, NDArray[Any]]) -> None:
        """Label and measure one plane of ``maps`` (c, y, x)."""
        for box, labels, count in pieces(self._how, maps):
            found = self._rows(labels[None, None], count, (t, z), box)
            self.take(t, z, box, labels, count, found)

    def volume(self, t: int, maps: Mapping[str, NDArray[Any]]) -> None:
        """Label and measure one stack of ``maps`` (1, c, z, y, x)."""
        labels, count = label(self._how, maps, deep=True)
        box = Box(0, 0, *self._image.shape[3:])
        self.take(t, 0, box, labels, count, self._rows(labels, count, (t, 0), box))

    def _rows(
        self, labels: NDArray[Any], count: int, start: tuple[int, int], box: Box
    ) -> list[Rows]:
        return rows(self._image, labels, count, start, box) if self._measured else []

    def finish(self) -> tuple[Stack, int]:
        """The labels, and how many objects there are."""
        return self._canvas.finish(), 0 if self._classes else self._canvas.count
