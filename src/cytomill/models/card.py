"""The card of a model: what a BioImage.IO 0.5 description says, as far as it is used here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import ModelError
from .weights import Weights

#: File names a description may have.
DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")


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
        path = next((folder / name for name in DESCRIPTIONS if (folder / name).is_file()), None)
        if path is None:
            raise ModelError(f"{folder}: holds no {' or '.join(DESCRIPTIONS)}; not a model package")
        try:
            card = yaml.safe_load(path.read_text("utf-8"))
            own = card["config"]["cytomill"]
            onnx, int8 = card["weights"]["onnx"], own.get("int8")
            return cls(
                name=str(own["name"]),
                version=str(card["version"]),
                description=str(card["description"]),
                license=str(card["license"]),
                authors=tuple(str(author["name"]) for author in card["authors"]),
                folder=folder,
                weights=Weights(folder / str(onnx["source"]), str(onnx["sha256"])),
                int8=Weights(folder / str(int8["source"]), str(int8["sha256"])) if int8 else None,
                maps=tuple(own["maps"]),
                pixel_size=float(own["pixel_size"]),
                stride=int(own["stride"]),
                halo=int(own["halo"]),
                settings=own,
            )
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: is not readable as YAML ({error})") from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: lacks or misstates {error}") from error
