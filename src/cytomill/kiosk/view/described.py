"""The metadata of a pyramid as OME-Zarr 0.4, in the format of Zarr 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...image.core import AXES
from ...image.ngff_describe import described
from .contrast import Channel
from .geometry import CHUNK
from .pyramid import Pyramid

_VERSION = "0.4"
_GROUP = {"zarr_format": 2}


def documents(pyramid: Pyramid, channels: Sequence[Channel] | None) -> dict[str, dict[str, Any]]:
    """What lies beside the chunks, by path; of labels there are no ``channels``, but None."""
    found = {".zgroup": _GROUP, ".zattrs": _attributes(pyramid, channels)}
    shape = pyramid.image.shape
    for level, (height, width) in enumerate(pyramid.geometry.levels):
        found[f"{level}/.zarray"] = {
            "zarr_format": 2,
            "shape": [*shape[:3], height, width],
            "chunks": [1, 1, 1, CHUNK, CHUNK],
            "dtype": pyramid.dtype.str,
            "compressor": None,
            "fill_value": 0,
            "order": "C",
            "filters": None,
            "dimension_separator": "/",
        }
    return {**found, ".zmetadata": {"zarr_consolidated_format": 1, "metadata": dict(found)}}


def _attributes(pyramid: Pyramid, channels: Sequence[Channel] | None) -> dict[str, Any]:
    image, levels = pyramid.image, len(pyramid.geometry.levels)
    multiscale = {**described(image.name, AXES, image, levels), "version": _VERSION}
    found: dict[str, Any] = {"multiscales": [multiscale]}
    if channels is None:
        return {**found, "image-label": {"version": _VERSION}}
    shown = [
        {
            "label": one.name,
            "color": one.colour[1:].upper(),
            "active": True,
            "window": {
                "min": one.min,
                "max": one.max,
                "start": one.low,
                "end": one.high,
            },
        }
        for one in channels
    ]
    model = "color" if len(channels) > 1 else "greyscale"
    return {**found, "omero": {"channels": shown, "rdefs": {"model": model}}}
