"""The card of a model that a pipeline is made for: its description and ``config.cytomill``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .description import Description
from .package import read_folder
from .weights import Weights


@dataclass(frozen=True, slots=True)
class Model:
    """A model package on disk.

    ``weights`` are its float32 weights; ``int8`` the same in 8-bit integers, for CPUs, where the
    package has them. ``maps`` names its output channels in order; ``pixel_size`` is the µm per
    pixel it was trained for; height and width of an input must be multiples of ``stride`` pixels,
    and outputs nearer than ``halo`` pixels to the edge of a tile are not to be trusted.
    ``settings`` is the package's own section ``config.cytomill``.
    """

    name: str
    version: str
    description: str
    license: str
    authors: tuple[str, ...]
    folder: Path
    weights: Weights
    int8: Weights | None
    maps: tuple[str, ...]
    pixel_size: float
    stride: int
    halo: int
    settings: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Model:
        """Parse the description in ``folder``; raises `ModelError` naming what is missing."""
        return cls.of(read_folder(folder))

    @classmethod
    def of(cls, description: Description) -> Model:
        """The card of a package; raises `ModelError` naming what is missing."""
        for key in ("version", "description", "license", "authors"):
            if not getattr(description, key):
                raise ModelError(f"{description.source}: lacks {key!r}")
        onnx = next((each for each in description.weights if each.kind == "onnx"), None)
        if onnx is None:
            raise ModelError(f"{description.source}: weights: lacks 'onnx'")
        try:
            own = description.config["cytomill"]
            int8 = own.get("int8")
            return cls(
                name=str(own["name"]),
                version=description.version,
                description=description.description,
                license=description.license,
                authors=description.authors,
                folder=description.folder,
                weights=onnx,
                int8=_int8(description.folder, int8) if int8 else None,
                maps=tuple(own["maps"]),
                pixel_size=float(own["pixel_size"]),
                stride=int(own["stride"]),
                halo=int(own["halo"]),
                settings=own,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{description.source}: config.cytomill lacks or misstates {error}"
            ) from error


def _int8(folder: Path, given: Mapping[str, Any]) -> Weights:
    return Weights(folder / str(given["source"]), str(given["sha256"]))
