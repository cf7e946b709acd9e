"""The files that are written for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ..errors import OptionError
from ..image import ngff, tiff
from ..image.core import Image
from ..image.ngff_write import VERSIONS
from ..pipelines.base import Result
from .geojson import write_geojson
from .overlay import write_overlay

#: Files that labels are written to.
Format = Literal["tiff", "zarr"]

#: The version of OME-Zarr that most programs read.
DEFAULT_NGFF = "0.4"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files a run writes for each image.

    ``ngff`` is the version of OME-Zarr, None for TIFF and for the most widely read one. Raises
    `OptionError` for what cannot be written.
    """

    format: Format = "tiff"
    overlay: bool = False
    geojson: bool = False
    ngff: str | None = None

    def __post_init__(self) -> None:
        if self.format not in get_args(Format):
            known = " or ".join(get_args(Format))
            raise OptionError(f"--format {self.format}: must be {known}")
        if self.ngff is not None and self.format != "zarr":
            raise OptionError(f"--ngff {self.ngff}: only OME-Zarr has it; add --format zarr")
        if self.ngff is not None and self.ngff not in VERSIONS:
            raise OptionError(f"--ngff {self.ngff}: must be {' or '.join(VERSIONS)}")

    def names(self, stem: str) -> list[str]:
        """Files for the image whose output stem is ``stem``, relative to OUT; labels first."""
        names = [f"{stem}_labels.tif" if self.format == "tiff" else f"{stem}.ome.zarr"]
        if self.overlay:
            names.append(f"{stem}_overlay.png")
        if self.geojson:
            names.append(f"{stem}.geojson")
        return names

    def write(self, out: Path, stem: str, image: Image, result: Result, name: str) -> None:
        """Write them; each appears whole or not at all. Raises `OutputError`."""
        paths: Sequence[Path] = [out / name for name in self.names(stem)]
        image = image.with_pixel_size(result.pixel_size)
        if self.format == "tiff":
            tiff.write_labels(paths[0], result.labels, image)
        else:
            version = self.ngff or DEFAULT_NGFF
            ngff.write_labelled(paths[0], result.labels, image, name=name, version=version)
        for path in paths[1:]:
            if path.suffix == ".png":
                write_overlay(path, image, result.labels, result.channel)
            else:
                write_geojson(path, result.labels, image, result.table)
