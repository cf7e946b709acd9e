"""A base for pipelines that look at one channel, plane by plane."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..errors import PermanentError
from ..image.core import Image
from ..inference.runtime import Models
from ..ops.grid import Box
from ..ops.measure import measure
from .base import Options, Part, Partial, Pipeline, Result
from .gathering import gather, sequential
from .stopwatch import Stopwatch


class PlaneOptions(Options):
    """Options of every pipeline that looks at one channel; a subclass adds its own."""

    channel: str | None = Field(
        None,
        coerce_numbers_to_str=True,
        description="Channel to look at: its name, or its number from 0. Default: the first whose "
        "name speaks of a nuclear stain, else the first.",
    )
    measure: bool = Field(True, description="Measure every object.")


O = TypeVar("O", bound=PlaneOptions)  # noqa: E741


class Planes(Pipeline[O]):
    """A pipeline of which only `label` is to be written.

    It holds whole planes in memory; for slides write a `Pipeline` that splits them into tiles.
    """

    models: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def label(self, pixels: NDArray[Any], models: Models) -> NDArray[Any]:
        """Label the objects of one plane, ``pixels`` (y, x), of any number type.

        Returns whole numbers (y, x): 0 is background, each object has its own number above. Called
        by several threads at once.
        """

    def split(self, image: Image) -> Sequence[Part]:
        """See `Pipeline.split`: planes."""
        plane = Box(0, 0, *image.shape[3:])
        return [Part(index, t, z, plane) for index, (t, z) in enumerate(image.planes)]

    def shows(self, image: Image) -> int | None:
        """See `Pipeline.shows`: the channel that is labelled."""
        return image.channel(self.options.channel)

    def process(self, image: Image, part: Part, models: Models) -> Partial:
        """See `Pipeline.process`."""
        watch = Stopwatch()
        channel = image.channel(self.options.channel)
        with watch("read"):
            pixels = image.read(part.t, channel, part.z)
        with watch("label"):
            labels, count = self._numbered(self.label(pixels, models), pixels.shape)
        columns: dict[str, NDArray[Any]] = {}
        if self.options.measure:
            with watch("measure"):
                planes = [
                    pixels if c == channel else image.read(part.t, c, part.z)
                    for c in range(image.shape[1])
                ]
                columns = measure(labels, planes, count)
        seconds = watch.seconds
        return Partial(part.index, part.t, part.z, part.core, labels, count, columns, seconds)

    def merge(self, image: Image, partials: Iterable[Partial], scratch: Path) -> Result:
        """See `Pipeline.merge`: number the objects through the image."""
        return gather(
            image,
            partials,
            scratch,
            measured=self.options.measure,
            channel=self.shows(image),
            pixel_size=image.pixel_size,
        )

    def _numbered(
        self, labels: NDArray[Any], shape: tuple[int, ...]
    ) -> tuple[NDArray[np.int32], int]:
        """The labels with ids 1 to their number, in the same order."""
        labels = np.asarray(labels)
        if labels.shape != shape or labels.dtype.kind not in "iub":
            raise PermanentError(
                f"pipeline {self.name}: its label() gave {labels.dtype} of shape {labels.shape}; "
                f"it has to give whole numbers of shape {shape}"
            )
        labels = np.maximum(labels, 0).astype(np.int64)
        if labels.max(initial=0) > labels.size:
            labels = np.unique(labels, return_inverse=True)[1].reshape(shape) + (labels.min() > 0)
        return sequential(labels)
