"""Writing OME-Zarr: an image, its labels, and a pyramid of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from .atomic import replacing
from .core import AXES, Image
from .ngff_describe import colours, described

#: Versions of OME-Zarr and the Zarr format each is written in.
VERSIONS = {"0.4": 2, "0.5": 3}

#: Edge of a chunk in y and x: 2 MB of 16-bit pixels, one request to a bucket.
_CHUNK = 1024

#: Edge of the block that is copied at once, in chunks.
_BLOCK = 2 * _CHUNK

#: A pyramid ends with the first level whose edges are no longer than this: one chunk.
_SMALLEST = _CHUNK

#: Blosc with a fast Zstandard, which every OME-Zarr reader has.
_ZARR_2_CODEC = {"id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 1, "blocksize": 0}
_ZARR_3_CODEC = {
    "name": "blosc",
    "configuration": {"cname": "zstd", "clevel": 1, "shuffle": "shuffle"},
}

_Rectangle = tuple[slice, slice]
#: Reads a rectangle of one plane: t, c, z and the rectangle.
_Reader = Callable[[int, int, int, _Rectangle], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Stack:
    """What is written as one pyramid: ``shape`` is (t, c, z, y, x), ``axes`` those kept of them."""

    name: str
    axes: str
    shape: tuple[int, int, int, int, int]
    dtype: np.dtype[Any]
    read: _Reader
    halve: Callable[[NDArray[Any]], NDArray[Any]]

    def keep(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Of values for T, C, Z, Y and X, those of the kept axes."""
        return tuple(value for axis, value in zip(AXES, values, strict=True) if axis in self.axes)


def write_labelled(
    path: Path, labels: Any, image: Image, *, name: str, version: str = "0.4"
) -> None:
    """Write ``image`` as OME-Zarr, and ``labels`` in it under ``labels/<name>``.

    ``labels`` has the axes T, Z, Y, X, is uint16 or uint32 and anything that can be sliced. Both
    get a pyramid that halves y and x, labels by taking the nearest. Memory is that of a few blocks
    of 2048 x 2048 pixels. ``version`` is "0.4" (Zarr 2) or "0.5" (Zarr 3). ``path`` is replaced
    when all is written. Raises `OutputError`, and `InputError` where the image cannot be read.
    """
    times, depths, height, width = labels.shape
    axes = "".join(a for a in image.axes if a != "C")
    objects = _Stack(
        name,
        axes,
        (times, 1, depths, height, width),
        _storable(labels.dtype),
        _labels(labels),
        _nearest,
    )
    with replacing(path) as part:
        root = _write_image(part, image, version)
        group = root.create_group("labels")
        _describe(group, version, labels=[name])
        child = group.create_group(name)
        _write(child, objects, image, version)
        source = {"source": {"image": "../../"}}
        stated = {"version": version, **source} if version == "0.4" else source
        _describe(child, version, **{"image-label": stated})


def write_image(path: Path, image: Image, *, version: str = "0.4") -> None:
    """Write ``image`` as OME-Zarr; see `write_labelled`."""
    with replacing(path) as part:
        _write_image(part, image, version)


def _write_image(folder: Path, image: Image, version: str) -> Any:
    """Write an image into a new folder; returns its group."""
    if version not in VERSIONS:
        raise OptionError(f"OME-Zarr {version} cannot be written; choose {' or '.join(VERSIONS)}")
    import zarr  # takes 0.4 s, which only those who write OME-Zarr should wait for

    pixels = _Stack(
        image.name, image.axes, image.shape, _storable(image.dtype), _image(image), _mean
    )
    root = zarr.create_group(folder, zarr_format=VERSIONS[version])  # type: ignore[arg-type]
    small = _write(root, pixels, image, version)
    _describe(root, version, omero=_omero(image, pixels, small))
    return root


def _describe(group: Any, version: str, **metadata: Any) -> None:
    """Add OME metadata to a group, where its version keeps it."""
    if version == "0.4":
        group.attrs.update(metadata)
    else:
        ome = group.attrs.get("ome", {"version": version})
        group.attrs["ome"] = {**ome, **metadata}


def _write(group: Any, stack: _Stack, image: Image, version: str) -> Any:
    """Write all levels of a pyramid and their metadata; the smallest level's array."""
    height, width = stack.shape[3:]
    level, array = 0, _level(group, "0", stack, height, width, version)
    for plane, rectangle in _blocks(stack, height, width, _BLOCK):
        array[stack.keep((*plane, *rectangle))] = stack.read(*plane, rectangle)
    while max(height, width) > _SMALLEST:
        finer, level = array, level + 1
        height, width = -(-height // 2), -(-width // 2)
        array = _level(group, str(level), stack, height, width, version)
        for plane, (y, x) in _blocks(stack, height, width, _CHUNK):
            twice = (slice(2 * y.start, 2 * y.stop), slice(2 * x.start, 2 * x.stop))
            block = np.asarray(finer[stack.keep((*plane, *twice))])
            array[stack.keep((*plane, y, x))] = stack.halve(block)
    multiscale: dict[str, Any] = described(stack.name, stack.axes, image, level + 1)
    if version == "0.4":
        multiscale["version"] = version
    _describe(group, version, multiscales=[multiscale])
    return array


def _level(group: Any, name: str, stack: _Stack, height: int, width: int, version: str) -> Any:
    """A new array for one level of a pyramid."""
    second = version == "0.4"
    return group.create_array(
        name,
        shape=stack.keep((*stack.shape[:3], height, width)),
        chunks=stack.keep((1, 1, 1, min(height, _CHUNK), min(width, _CHUNK))),
        dtype=stack.dtype,
        fill_value=0,
        compressors=_ZARR_2_CODEC if second else _ZARR_3_CODEC,
        chunk_key_encoding={"name": "v2" if second else "default", "separator": "/"},
        dimension_names=None if second else [axis.lower() for axis in stack.axes],
    )


def _blocks(
    stack: _Stack, height: int, width: int, edge: int
) -> Iterator[tuple[tuple[int, int, int], _Rectangle]]:
    """Every (t, c, z) and the rectangles that its plane is copied by."""
    times, channels, depths = stack.shape[:3]
    for plane in np.ndindex(times, channels, depths):
        for y in range(0, height, edge):
            for x in range(0, width, edge):
                rectangle = slice(y, min(y + edge, height)), slice(x, min(x + edge, width))
                yield plane, rectangle


def _omero(image: Image, stack: _Stack, small: Any) -> dict[str, Any]:
    """How viewers show the channels: their names, colours and the range of their values."""
    count = image.shape[1]
    kind = stack.dtype
    low, high = (0, np.iinfo(kind).max) if kind.kind in "ui" else (0, 1)
    channels = []
    for c, colour in enumerate(colours(image)):
        plane = np.asarray(small[stack.keep((0, c, image.shape[2] // 2, slice(None), slice(None)))])
        finite = plane[np.isfinite(plane)]
        start, end = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        channels.append(
            {
                "label": image.channels[c] if image.channels else f"channel {c}",
                "color": colour,
                "active": True,
                "window": {
                    "min": min(float(low), start),
                    "max": max(float(high), end),
                    "start": start,
                    "end": max(end, start + 1e-6),
                },
            }
        )
    return {"channels": channels, "rdefs": {"model": "color" if count > 1 else "greyscale"}}


def _storable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to write: as it is, but bool, which viewers do not know, as uint8."""
    return np.dtype(np.uint8) if dtype.kind == "b" else np.dtype(dtype.name)


def _image(image: Image) -> _Reader:
    dtype = _storable(image.dtype)
    return lambda t, c, z, rectangle: image.read(t, c, z, *rectangle).astype(dtype, copy=False)


def _labels(labels: Any) -> _Reader:
    return lambda t, c, z, rectangle: np.asarray(labels[t, z, *rectangle])


def _nearest(block: NDArray[Any]) -> NDArray[Any]:
    """Every second pixel: labels must not be mixed."""
    return block[::2, ::2]


def _mean(block: NDArray[Any]) -> NDArray[Any]:
    """The mean of every 2 x 2 pixels, integers rounded; an odd edge is repeated.

    64-bit integers, which no float holds, are taken by the nearest.
    """
    kind = block.dtype
    if kind.kind in "ui" and kind.itemsize == 8:
        return _nearest(block)
    height, width = block.shape
    even = np.pad(block, ((0, height % 2), (0, width % 2)), mode="edge")
    working = np.float32 if kind.itemsize <= 2 or kind == np.float32 else np.float64
    total = np.zeros((even.shape[0] // 2, even.shape[1] // 2), working)
    with np.errstate(all="ignore"):  # NaN and Inf stay what they are
        for y in (0, 1):
            for x in (0, 1):
                total += even[y::2, x::2]
        total /= 4
        return (total if kind.kind == "f" else np.rint(total)).astype(kind)
