"""An array as a file to send, and the labels that come back as an array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..image.array import from_array
from ..image.core import AXES
from ..image.formats import open_images
from ..image.tiff_write import write_image

#: What the file is called, so that faults name it as the user knows it.
NAME = "array.tif"


def write(
    path: Path, array: NDArray[Any], axes: str | None = None, pixel_size: float | None = None
) -> str:
    """Write ``array`` as an OME-TIFF; returns its axes. Raises `InputError` for no image.

    See `image.array.from_array`. Types that OME-TIFF has not are written as wider ones.
    """
    image = from_array(array, axes, pixel_size)
    write_image(path, image)
    return image.axes


def read_labels(path: Path, axes: str) -> NDArray[np.unsignedinteger[Any]]:
    """Labels with the axes of an image with ``axes``, less that of its channels."""
    with open_images(path) as file:
        (image,) = file.images
        shape = (image.shape[0], *image.shape[2:])
        labels = np.empty(shape, image.dtype)
        for t, z in image.planes:
            labels[t, z] = image.read(t, 0, z)
    sizes = zip(AXES.replace("C", ""), shape, strict=True)
    return labels.reshape([size for axis, size in sizes if axis in axes])


def unmeasured(options: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """The options of a pipeline for labels alone; ``schema`` describes those it has.

    Raises `OptionError` where they ask for measurements, of which an array has no place.
    """
    if "measure" in options:
        raise OptionError("an array gives labels only: name files, or leave out measure")
    if not isinstance(schema, dict) or "measure" not in schema.get("properties", {}):
        return dict(options)
    return {**options, "measure": False}
