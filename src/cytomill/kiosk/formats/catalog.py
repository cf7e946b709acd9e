"""The formats that the results of a job can be had in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...batch.outputs import Outputs
from ...errors import OptionError
from ...pipelines.base import Pipeline
from ...tracks.files import formats as tracks

#: The table that jobs have whose cells were followed.
TRACKS = "tracks"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what users call it, a sentence on it, and whether the job ``stored`` it so."""

    name: str
    title: str
    summary: str
    stored: bool


def offered(pipeline: Pipeline[Any], outputs: Outputs) -> list[Format]:
    """The formats of a job of ``pipeline`` that wrote ``outputs``, in the order to show them."""
    return list(_offered(pipeline, outputs))


def _offered(pipeline: Pipeline[Any], outputs: Outputs) -> Iterator[Format]:
    products = pipeline.products
    if products.labels or products.maps:
        tiff = outputs.format == "tiff"
        about = "a number for each object" if products.labels else "the maps of the model"
        yield Format("tiff", "TIFF", f"An OME-TIFF of each image: {about}.", tiff)
        beside = "The image with its labels" if products.labels else "The maps of the model"
        yield Format("zarr", "OME-Zarr", f"{beside}, as a folder with a pyramid.", not tiff)
    yield Format("csv", "CSV", "The measurements of all images as one table.", True)
    yield Format("parquet", "Parquet", "The same table, smaller, for Python and R.", True)
    if products.labels:
        yield Format("geojson", "GeoJSON", "The outlines of objects, for QuPath.", outputs.geojson)
        yield Format(
            "overlay", "Picture", "A PNG of each image with its outlines.", outputs.overlay
        )
    if products.arrays:
        yield Format("arrays", "NumPy", "The arrays that the model gave.", True)
    if is_tracked(pipeline):
        for one in tracks.FORMATS.values():
            if _can_be_written(one):
                title = _TITLES.get(one.name, one.name)
                yield Format(one.name, title, one.about, one.end in products.files)
    if others(pipeline):
        yield Format("files", "Other files", "What else the pipeline wrote.", True)


def chosen(formats: Sequence[Format], given: str) -> frozenset[str]:
    """The names that ``given`` has, with commas. Raises `OptionError` for one there is not."""
    names = {name.strip() for name in given.split(",")} - {""}
    known = [one.name for one in formats]
    for name in sorted(names - set(known)):
        raise OptionError(f"formats: there is no {name!r} of this job; it has {', '.join(known)}")
    if not names:
        raise OptionError(f"formats: names none; this job has {', '.join(known)}")
    return frozenset(names)


def is_tracked(pipeline: Pipeline[Any]) -> bool:
    """Whether cells were followed: files of tracks can be made."""
    return pipeline.movies and pipeline.products.labels and TRACKS in pipeline.products.tables


def others(pipeline: Pipeline[Any]) -> list[str]:
    """The ends of the files that belong to no other format."""
    known = {one.end for one in tracks.FORMATS.values()} if is_tracked(pipeline) else set()
    return [end for end in pipeline.products.files if end not in known]


_TITLES = {
    "ctc": "Cell Tracking Challenge",
    "lineage": "lineage.json",
    "trk": "DeepCell .trk",
    "trackmate": "TrackMate",
    "geff": "GEFF",
    "napari": "napari",
    "tree": "Lineage tree",
    "tree_svg": "Lineage tree (SVG)",
    "mp4": "Movie (MP4)",
    "gif": "Movie (GIF)",
}


def _can_be_written(one: tracks.Format) -> bool:
    try:
        one.check()
    except OptionError:
        return False
    return True
