"""Writing OME-TIFF: labels, and what else comes of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from .atomic import replacing
from .core import AXES, Image
from .tiff_pages import hushed

#: Planes of more pixels are written in tiles of this edge, from as much memory as a few of them.
_STREAMED, _TILE = 2**24, 1024

#: Rows of a strip in smaller ones: few enough that a viewer need not unpack all to show a part.
_ROWS = 512

#: Bytes above which offsets need 64 bits, with room for the metadata.
_CLASSIC = 2**32 - 2**25

#: Types that OME-TIFF has not, and those that hold their values; long integers up to 2^53.
_STORED = {"bool": "uint8", "float16": "float32", "int64": "float64", "uint64": "float64"}

#: Reads a rectangle of one plane: t, c, z, the rows and the columns, which may end beyond it.
_Reader = Callable[[int, int, int, slice, slice], NDArray[Any]]


def write_labels(path: Path, labels: Any, image: Image) -> None:
    """Write ``labels`` as a compressed OME-TIFF with the axes of ``image`` less C.

    ``labels`` has the axes T, Z, Y, X, is uint16 or uint32 and anything that can be sliced; large
    planes are read and written a tile at a time. The pixel size is in µm, in the OME-XML and as
    resolution tags; the time between frames in seconds. ``path`` is replaced when all is written.
    Raises `OutputError`.
    """
    times, depths, height, width = labels.shape
    _write(
        path,
        (times, 1, depths, height, width),
        image.axes.replace("C", ""),
        labels.dtype,
        lambda t, _, z, y, x: np.asarray(labels[t, z, y, x]),
        image,
    )


def write_image(path: Path, image: Image) -> None:
    """Write ``image`` as a compressed OME-TIFF with its axes and the names of its channels.

    Otherwise as `write_labels`. Types that OME-TIFF has not become wider ones: bool uint8, float16
    float32, and integers of 64 bits float64.
    """
    dtype = np.dtype(_STORED.get(image.dtype.name, image.dtype.name))
    _write(
        path,
        image.shape,
        image.axes,
        dtype,
        lambda t, c, z, y, x: image.read(t, c, z, y, x).astype(dtype, copy=False),
        image,
        image.channels,
    )


def _write(
    path: Path,
    shape: tuple[int, int, int, int, int],
    declared: str,
    dtype: np.dtype[Any],
    read: _Reader,
    image: Image,
    channels: tuple[str, ...] = (),
) -> None:
    """Write planes of ``shape`` (t, c, z, y, x) with the axes ``declared`` or longer than 1.

    Their steps in space and time are those of ``image``.
    """
    size = image.pixel_size
    height, width = shape[3:]
    kept = [(a, n) for a, n in zip(AXES, shape, strict=True) if a in declared or n > 1]
    tiled = height * width > _STREAMED
    # The writer would compress each segment with a slower library than the one used here.
    layout = {"tile": (_TILE, _TILE)} if tiled else {"rowsperstrip": min(_ROWS, height)}
    # Of what is written, not of when: the same result twice is the same file.
    told = f"{image.name} {shape} {declared} {dtype}"
    metadata: dict[str, Any] = {
        "axes": "".join(axis for axis, _ in kept),
        "UUID": str(uuid5(NAMESPACE_URL, told)),
    }
    options: dict[str, Any] = {}
    if channels:
        metadata |= {"Channel": {"Name": list(channels)}}
    if image.interval is not None and "T" in metadata["axes"]:
        metadata |= {"TimeIncrement": image.interval, "TimeIncrementUnit": "s"}
    if size is not None:
        metadata |= {"PhysicalSizeX": size.x, "PhysicalSizeXUnit": "µm"}
        metadata |= {"PhysicalSizeY": size.y, "PhysicalSizeYUnit": "µm"}
        if size.z is not None:
            metadata |= {"PhysicalSizeZ": size.z, "PhysicalSizeZUnit": "µm"}
        options = {"resolution": (1e4 / size.x, 1e4 / size.y), "resolutionunit": "CENTIMETER"}
    segments = (_tiles if tiled else _strips)(shape, read)
    whole = dtype.kind in "ui"
    with replacing(path) as part, hushed():
        big = np.prod(shape, dtype=float) * dtype.itemsize > _CLASSIC
        with tifffile.TiffWriter(part, bigtiff=bool(big), ome=True) as writer:
            writer.write(
                (_deflated(segment, whole) for segment in segments),
                shape=tuple(length for _, length in kept),
                dtype=dtype,
                photometric="minisblack",
                compression="zlib",
                # Few programs read floats as differences, which would gain them little.
                predictor=whole,
                metadata=metadata,
                maxworkers=1,
                **layout,
                **options,
            )


def _deflated(segment: NDArray[Any], differences: bool) -> bytes:
    """A segment as the file holds it: a zlib stream, of the differences along rows if so said."""
    level = 2  # on label images a third larger than the default level's, in a quarter of the time
    segment = np.ascontiguousarray(segment)
    if differences:
        segment = imagecodecs.delta_encode(segment, axis=-1)
    return bytes(imagecodecs.zlibng_encode(segment.tobytes(), level=level))


def _strips(shape: tuple[int, ...], read: _Reader) -> Iterator[NDArray[Any]]:
    """The strips of all planes in the order they lie in the file."""
    for t, c, z in np.ndindex(shape[:3]):
        for top in range(0, shape[3], _ROWS):
            yield read(t, c, z, slice(top, top + _ROWS), slice(0, shape[4]))


def _tiles(shape: tuple[int, ...], read: _Reader) -> Iterator[NDArray[Any]]:
    """The tiles of all planes in the order they lie in the file, those at edges filled up."""
    for t, c, z in np.ndindex(shape[:3]):
        for top in range(0, shape[3], _TILE):
            for left in range(0, shape[4], _TILE):
                # A row of tiles of a slide would be hundreds of megabytes.
                tile = read(t, c, z, slice(top, top + _TILE), slice(left, left + _TILE))
                yield np.pad(tile, [(0, _TILE - length) for length in tile.shape])
