"""The files that are written for one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ..errors import OptionError
from ..image import ngff_write, tiff_write
from ..image.atomic import replacing
from ..image.core import Image
from ..image.ngff_write import VERSIONS
from ..pipelines.base import Products, Result

#: Files that labels and maps are written to.
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

    def check(self, products: Products) -> None:
        """Raise `OptionError` where what is asked for is not among ``products``, or nothing is."""
        if products.labels:
            return
        for option in ("overlay", "geojson"):
            if getattr(self, option):
                raise OptionError(f"--{option}: shows labels, and there are none; leave it out")
        if self.format == "zarr" and not products.maps:
            raise OptionError("--format zarr: there are no labels or maps to write; leave it out")

    def ends(self, products: Products) -> dict[str, str]:
        """What the names of an image's files end in, labels first, and the kind of each."""
        image = ".tif" if self.format == "tiff" else ".ome.zarr"
        kinds: dict[str, str] = {}
        if products.labels:
            kinds["_labels.tif" if self.format == "tiff" else image] = "labels"
        kinds |= {f"_{name}{image}": "maps" for name in products.maps}
        kinds |= {f"_{name}": "arrays" for name in products.arrays}
        kinds |= {f"_{name}": "files" for name in products.files}
        if self.overlay:
            kinds["_overlay.png"] = "overlays"
        if self.geojson:
            kinds[".geojson"] = "outlines"
        return kinds

    def names(self, stem: str, products: Products) -> list[str]:
        """Files for the image whose output stem is ``stem``, relative to OUT; labels first."""
        return [stem + end for end in self.ends(products)]

    def check_stems(self, products: Products, stems: Sequence[str]) -> None:
        """Raise `OptionError` where two inputs would have a file of one name, or one in another's.

        ``stems`` are the output stems of all of them.
        """
        ends = list(self.ends(products))
        _check_folders(ends, stems)
        doubtful = [(a, b) for a in ends for b in ends if a != b and a.endswith(b)]
        if not doubtful:
            return
        taken = {stem.casefold() for stem in stems}
        for long, short in doubtful:
            rest = long.removesuffix(short)
            for stem in stems:
                if f"{stem}{rest}".casefold() in taken:
                    raise OptionError(
                        f"{stem}{long}: would be a file of two inputs, {stem} and {stem}{rest}; "
                        "run them into different folders"
                    )

    def write(
        self, out: Path, stem: str, image: Image, result: Result, name: str, objects: str
    ) -> None:
        """Write them; each appears whole or not at all. Raises `OutputError`.

        ``name`` is that of the labels in OME-Zarr, ``objects`` says what one of them is.
        """
        image = image.with_pixel_size(result.pixel_size)
        version = self.ngff or DEFAULT_NGFF
        place = f"{out / stem}"
        if result.labels is not None:
            if self.format == "tiff":
                tiff_write.write_labels(Path(f"{place}_labels.tif"), result.labels, image)
            else:
                path = Path(f"{place}.ome.zarr")
                ngff_write.write_labelled(path, result.labels, image, name=name, version=version)
            # Each brings libraries that only those who ask for it should wait for.
            if self.overlay:
                from .overlay import write_overlay

                path = Path(f"{place}_overlay.png")
                write_overlay(path, image, result.labels, result.channel)
            if self.geojson:
                from .geojson import write_geojson

                path = Path(f"{place}.geojson")
                write_geojson(path, result.labels, image, result.table, objects)
        for end, one in result.maps.items():
            if self.format == "tiff":
                tiff_write.write_image(Path(f"{place}_{end}.tif"), one)
            else:
                ngff_write.write_image(Path(f"{place}_{end}.ome.zarr"), one, version=version)
        for end, array in result.arrays.items():
            _write_array(Path(f"{place}_{end}"), array)
        for end, write in result.files.items():
            with replacing(Path(f"{place}_{end}")) as temporary:
                write(temporary)


def _check_folders(ends: Sequence[str], stems: Sequence[str]) -> None:
    """Raise `OptionError` where one input's files would be below a file or folder of another's."""
    taken = {stem.casefold(): stem for stem in stems}
    folders: set[str] = set()
    for stem in stems:
        folder = stem.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for name in sorted(one.casefold() for one in folders):
        for end in ends:
            if name.endswith(end.casefold()) and name.removesuffix(end.casefold()) in taken:
                whose = taken[name.removesuffix(end.casefold())]
                raise OptionError(
                    f"{whose}{end}: would be a result of {whose}, and the folder of other inputs' "
                    "results; run them into different folders"
                )


def _write_array(path: Path, array: Any) -> None:
    """Write one array as ``.npy``, or several by name as ``.npz``."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        if isinstance(array, Mapping):
            np.savez_compressed(file, allow_pickle=False, **array)
        else:
            np.save(file, array, allow_pickle=False)
