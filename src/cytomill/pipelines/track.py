"""Movies of cells: nuclei found in each frame and followed through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from ..image.core import Image, PixelSize
from ..inference.runtime import Models, Runtime
from ..ops.normalise import Contrast
from .base import Options, Part, Partial
from .nuclei import Nuclei, NucleiOptions
from .tracking import Tracking, TrackingOptions


class TrackOptions(TrackingOptions, NucleiOptions):
    """Options of the ``track`` pipeline: those of ``nuclei``, and those of following."""

    # Movies are mostly of cells that glow each in its own way.
    contrast: Contrast = Field(
        "auto", description=NucleiOptions.model_fields["contrast"].description
    )


class Track(Tracking[TrackOptions]):
    """Segment the nuclei of each frame with the built-in model, and link them."""

    name: ClassVar[str] = "track"
    summary: ClassVar[str] = (
        "Finds nuclei in the frames of a movie and follows them and their daughters."
    )
    models: ClassVar[tuple[str, ...]] = Nuclei.models
    flattens: ClassVar[bool] = True
    # What a model finds for a frame or two is mostly nothing.
    briefest: ClassVar[int] = 3
    Options: ClassVar[type[Options]] = TrackOptions

    def __init__(self, options: TrackOptions) -> None:
        super().__init__(options)
        given = {name: getattr(options, name) for name in NucleiOptions.model_fields}
        # Cells are told apart by what is measured of them.
        self._nuclei = Nuclei(NucleiOptions(**{**given, "measure": True}))

    def load(self, models: Models) -> Mapping[str, Runtime]:
        """See `Pipeline.load`."""
        return self._nuclei.load(models)

    def split(self, image: Image) -> Sequence[Part]:
        """See `Pipeline.split`: frames, or tiles of large ones."""
        return self._nuclei.split(image)

    def process(self, image: Image, part: Part, models: Models) -> Partial:
        """See `Pipeline.process`."""
        return self._nuclei.process(image, part, models)

    def _size(self, image: Image) -> PixelSize | None:
        return self._nuclei.pixel_size(image)

    def _channel(self, image: Image) -> int | None:
        return self._nuclei.channel(image)

    def _bright(self, image: Image) -> int | None:
        channel = self._channel(image)
        return 0 if channel is None else channel
