"""Two images of the same pixels seen as one: labels, and the microscope's image beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, OptionError
from .core import AXES, Image, ImageFile, PixelSource
from .entry import Entry, Source
from .view import time_of_channels, time_of_depth

#: The name of the first channel.
LABELS = "labels"


def beside(labels: Sequence[Entry], images: Sequence[Entry]) -> list[Entry]:
    """The entries of ``labels``, each with its image as further channels.

    One belongs to one; of several each belongs to the one of its name, endings and words such as
    ``_labels`` left out, or to the one of its place where names do not tell. Raises `OptionError`
    where the numbers differ.
    """
    if len(labels) != len(images):
        raise OptionError(
            f"--images: there are {len(labels)} label movies but {len(images)} of images; "
            "give one for each, in the same order"
        )
    by_name = {_stem(image.name): image for image in images}
    told = len(by_name) == len(images) and {_stem(one.name) for one in labels} == set(by_name)
    pairs = zip(labels, images, strict=True)
    if told:
        pairs = zip(labels, [by_name[_stem(one.name)] for one in labels], strict=True)
    return [replace(one, source=BesideSource(one.source, raw.source)) for one, raw in pairs]


@dataclass(frozen=True, slots=True)
class BesideSource:
    """Labels and their image: one image whose first channel is the labels."""

    labels: Source
    image: Source

    @property
    def bytes(self) -> int:
        """Of both."""
        return self.labels.bytes + self.image.bytes

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open files. Raises `InputError` where one is no movie of the other's size."""
        with ExitStack() as stack:
            labels = _only(stack.enter_context(self.labels.open()))
            image = _only(stack.enter_context(self.image.open()))
            yield ImageFile([joined(labels, image)], stack.close)

    def stamp(self) -> str:
        """Of both."""
        return f"{self.labels.stamp()} {self.image.stamp()}"

    def digest(self) -> str:
        """SHA-256 of the digests of both."""
        return hashlib.sha256((self.labels.digest() + self.image.digest()).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Both:
    """Pixels of the labels, then of the image's channels."""

    labels: PixelSource
    image: PixelSource

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """See `PixelSource.read`; the pixels of each channel are of its own type."""
        if c == 0:
            return self.labels.read(t, 0, z, y, x)
        return self.image.read(t, c - 1, z, y, x)

    def close(self) -> None:
        """Close both."""
        self.labels.close()
        self.image.close()


def joined(labels: Image, image: Image) -> Image:
    """One image of two movies, the labels first. Raises `InputError` where they do not match."""
    first = _timed(labels)
    second = _timed(image, first.shape[0])
    if first.shape[1] != 1 or first.rgb:
        raise InputError(labels.name, "is no label image: it has channels", "save labels alone")
    if (first.shape[0], *first.shape[2:]) != (second.shape[0], *second.shape[2:]):
        raise InputError(
            labels.name,
            f"has {_told(first)} but its image has {_told(second)}",
            "give the movie that the labels are of (--images)",
        )
    names = second.channels or tuple(str(c) for c in range(second.shape[1]))
    return replace(
        first,
        dtype=np.promote_types(first.dtype, second.dtype),  # files have one type for all channels
        axes="".join(axis for axis in AXES if axis in {*first.axes, "C"}),
        shape=(first.shape[0], 1 + second.shape[1], *first.shape[2:]),
        source=_Both(first.source, second.source),
        channels=(LABELS, *names),
        pixel_size=second.pixel_size or first.pixel_size,
        interval=second.interval if second.interval is not None else first.interval,
    )


def _timed(image: Image, frames: int | None = None) -> Image:
    """The image with its frames along T, whatever axis its file has them on.

    Channels are taken for them where there are as many as ``frames``, or where that is None.
    """
    times, channels, depths = image.shape[:3]
    if times == 1 and depths > 1:
        return time_of_depth(image)
    if times == depths == 1 < channels and not image.rgb and frames in (None, channels):
        return time_of_channels(image)
    return image


def _told(image: Image) -> str:
    times, _, depths, height, width = image.shape
    planes = f" of {depths} planes" if depths > 1 else ""
    frames = "1 frame" if times == 1 else f"{times} frames"
    return f"{frames}{planes} of {height}×{width}"


def _only(file: ImageFile) -> Image:
    if len(file.images) != 1:
        name = file.images[0].name
        fault = f"holds {len(file.images)} images; labels and their image go one to one"
        raise InputError(name, fault, "save each as a file of its own")
    return file.images[0]


def _stem(name: str) -> str:
    stem = name.rsplit("/", 1)[-1].lower()
    for end in (".zarr", ".ome", ".tif", ".tiff", ".ome"):
        stem = stem.removesuffix(end)
    for word in ("_labels", "_masks", "_mask", "_cp", "_seg"):
        stem = stem.removesuffix(word)
    return stem
