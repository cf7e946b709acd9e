"""Label images as `evaluate` reads them: any file, any whole-number type, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..image.core import Image
from ..image.formats import open_images
from ..ops.overlap import MAX_ID, Overlaps, overlaps_of_blocks

#: Pixels read at a time, and the multiple of rows they come in: whole tiles of any usual size.
_BLOCK, _ROWS = 2**24, 512


class Labels:
    """An open label image as a stack of planes: ``shape`` is (planes, y, x).

    Time points, focal planes and channels all count as planes.
    """

    def __init__(self, path: Path, image: Image) -> None:
        self.path = path
        self._image = image
        self._planes = [
            (t, c, z)
            for t in range(image.shape[0])
            for c in range(image.shape[1])
            for z in range(image.shape[2])
        ]
        self.shape = (len(self._planes), image.shape[3], image.shape[4])

    def read(self, plane: int, y: slice, x: slice = slice(None)) -> NDArray[Any]:
        """Part of one plane: shape (y, x), an unsigned integer dtype, ids up to `MAX_ID`.

        Raises `InputError` where the pixels are not labels: negative, broken or too large numbers.
        """
        t, c, z = self._planes[plane]
        return self._ids(self._image.read(t, c, z, y, x))

    def blocks(self) -> Iterator[tuple[int, slice]]:
        """(plane, rows) of blocks that cover the image in order."""
        planes, height, width = self.shape
        rows = max(_ROWS, _BLOCK // max(width, 1) // _ROWS * _ROWS)
        for plane in range(planes):
            for start in range(0, height, rows):
                yield plane, slice(start, min(start + rows, height))

    def _ids(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if pixels.dtype.kind == "b":
            return pixels.view(np.uint8)
        if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 4:
            return pixels
        if pixels.dtype.kind == "f" and not np.array_equal(pixels, np.trunc(pixels)):
            self._refuse("has numbers that are not whole")
        if pixels.min(initial=0) < 0:
            self._refuse("has negative numbers")
        if pixels.max(initial=0) > MAX_ID:
            self._refuse(f"has object ids above {MAX_ID}")
        return pixels.astype(np.uint32)

    def _refuse(self, fault: str) -> None:
        raise InputError(self.path, fault, "labels are 0 for background and 1, 2, 3 … for objects")


@contextmanager
def open_labels(path: Path) -> Iterator[Labels]:
    """Open a label image: any image file, an OME-Zarr of labels, or one with labels inside.

    Raises `InputError` where the file has no image, several, or a colour picture, and where an
    OME-Zarr has several label images.
    """
    with open_images(_inside(path)) as file:
        if len(file.images) != 1:
            raise InputError(
                path, f"has {len(file.images)} images", "give one label image per file"
            )
        (image,) = file.images
        if image.rgb:
            raise InputError(
                path, "is a colour picture, not labels", "save the object ids in one grey channel"
            )
        yield Labels(path, image)


def compare(pred: Labels, truth: Labels) -> Overlaps:
    """Count the overlaps of two label images, reading a block of each at a time.

    Raises `InputError` where their shapes differ.
    """
    if pred.shape != truth.shape:
        raise InputError(
            pred.path,
            f"is {_size(pred.shape)}, but {truth.path} is {_size(truth.shape)}",
            "compare labels of the same image at the same scale",
        )
    return overlaps_of_blocks(
        (pred.read(plane, rows), truth.read(plane, rows)) for plane, rows in pred.blocks()
    )


def pieces(labels: Labels) -> int:
    """Connected pieces of foreground in the first block that has more than one; else 0 or 1."""
    import cv2

    most = 0
    for plane, rows in labels.blocks():
        inside = (labels.read(plane, rows) != 0).astype(np.uint8)
        most = max(most, cv2.connectedComponents(inside)[0] - 1)
        if most > 1:
            break
    return most


def _size(shape: tuple[int, int, int]) -> str:
    planes, height, width = shape
    return f"{width} x {height} pixels" + (f" x {planes} planes" if planes > 1 else "")


def _inside(path: Path) -> Path:
    """The label image that an OME-Zarr keeps beside its image, or ``path`` itself."""
    folder = path / "labels"
    if not folder.is_dir():
        return path
    found = sorted(each for each in folder.iterdir() if each.is_dir() and each.name[0] != ".")
    if len(found) > 1:
        names = ", ".join(str(each) for each in found)
        raise InputError(path, "has more than one label image", f"give one of {names}")
    return found[0] if found else path
