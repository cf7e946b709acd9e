"""Writing what is kept of an image in a format: the files that a run would have written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...batch.outputs import DEFAULT_NGFF
from ...batch.steps import MEASUREMENTS
from ...errors import InputError
from ...image import ngff_write, tiff_write
from ...pipelines.tracking import Tracking
from ...tracks.files import formats as tracks
from .catalog import TRACKS
from .kept import Kept
from .labels import StoredLabels
from .lineages import lineage_of

#: Writes files whose names are that of the path, which is a stem, and an end. Returns the ends.
Writer = Callable[[Kept, Path], list[str]]

#: Files of tracks that have pixels of the movie, or tell of it.
_WITH_IMAGE = ("trk", "trackmate", "mp4", "gif")


def _tiff(kept: Kept, path: Path) -> list[str]:
    ends = []
    if kept.of.pipeline.products.labels:
        labels = kept.labels
        tiff_write.write_labels(_at(path, "_labels.tif"), StoredLabels(labels), labels)
        ends.append("_labels.tif")
    for name, image in kept.maps.items():
        tiff_write.write_image(_at(path, f"_{name}.tif"), image)
        ends.append(f"_{name}.tif")
    return ends


def _zarr(kept: Kept, path: Path) -> list[str]:
    ends, version = [], kept.of.outputs.ngff or DEFAULT_NGFF
    if kept.of.pipeline.products.labels:
        labels = kept.labels
        image = kept.image.with_pixel_size(labels.pixel_size)
        ngff_write.write_labelled(
            _at(path, ".ome.zarr"),
            StoredLabels(labels),
            image,
            name=kept.of.pipeline.name,
            version=version,
        )
        ends.append(".ome.zarr")
    for name, image in kept.maps.items():
        ngff_write.write_image(_at(path, f"_{name}.ome.zarr"), image, version=version)
        ends.append(f"_{name}.ome.zarr")
    return ends


def _geojson(kept: Kept, path: Path) -> list[str]:
    from ...batch.geojson import write_geojson

    # Its planes are those of the image, which may have been deleted.
    image, rows = kept.labels, kept.tables.get(MEASUREMENTS)
    labels = StoredLabels(image)
    write_geojson(_at(path, ".geojson"), labels, image, rows, kept.of.pipeline.objects)
    return [".geojson"]


def _overlay(kept: Kept, path: Path) -> list[str]:
    from ...batch.overlay import write_overlay

    image = kept.image
    channel = kept.of.pipeline.shows(image)
    write_overlay(_at(path, "_overlay.png"), image, StoredLabels(kept.labels), channel)
    return ["_overlay.png"]


def _tracks(name: str, kept: Kept, path: Path) -> list[str]:
    how, pipeline = tracks.FORMATS[name], kept.of.pipeline
    labels = kept.labels
    if not isinstance(pipeline, Tracking) or TRACKS not in kept.tables:
        raise InputError(kept.name, "has no tracks", "")
    image = kept.image if name in _WITH_IMAGE else labels
    rows = kept.tables.get(MEASUREMENTS)
    lineage = lineage_of(labels, kept.tables[TRACKS], rows, pipeline.interval(labels))
    stack = StoredLabels(labels)
    if name in _WITH_IMAGE:
        material = pipeline.material(image, lineage, stack)
    else:
        material = tracks.Material(lineage, stack, replace(labels, name=kept.name))
    how.write(_at(path, f"_{how.end}"), material)
    return [f"_{how.end}"]


def _at(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


#: How each format is made that a job may not have stored.
WRITERS: dict[str, Writer] = {
    "tiff": _tiff,
    "zarr": _zarr,
    "geojson": _geojson,
    "overlay": _overlay,
    **{name: partial(_tracks, name) for name in tracks.FORMATS},
}
