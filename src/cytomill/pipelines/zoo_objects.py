"""Objects in the maps of an image: their labels and measurements, plane by plane or in volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..image.core import Image, PixelSize
from ..ops.grid import Box, Grid
from ..ops.measure import measure
from ..ops.table import to_table
from .zoo_labels import Labelling

#: Planes of more pixels are labelled in tiles of this edge, with as much around each: objects up to
#: that size are found whole.
LARGE, _TILE, _AROUND = 2**26, 4096, 256


@dataclass(frozen=True, slots=True)
class Rows:
    """Measurements of the objects of one plane, in the coordinates of a rectangle from ``corner``.

    Columns are those of `cytomill.ops.measure`.
    """

    t: int
    z: int
    corner: tuple[int, int]
    columns: dict[str, NDArray[Any]]

    def table(self, image: Image, size: PixelSize | None, offset: int) -> pa.Table:
        """The rows as a table; ``offset`` is added to every label."""
        columns = {**self.columns, "label": self.columns["label"].astype(np.int64) + offset}
        return to_table(
            columns,
            image=image.name,
            t=self.t,
            z=self.z,
            channels=image.channels,
            pixel_size=size,
            offset=self.corner,
        )


def label(
    how: Labelling, maps: Mapping[str, NDArray[Any]], *, deep: bool
) -> tuple[NDArray[np.int32], int]:
    """Labels (t, z, y, x) of ``maps`` (t, c, z, y, x), and their number.

    With ``deep`` the planes of Z are one volume, else each is for itself. Of classes the number is
    the largest.
    """
    times, _, depths, *shape = next(iter(maps.values())).shape
    found = np.zeros((times, depths, *shape), np.int32)
    total = 0
    for t in range(times):
        for z in range(1 if deep else depths):
            planes = slice(None) if deep else z
            labels, count = how.label({name: one[t][:, planes] for name, one in maps.items()})
            if how.method == "classes":
                total = max(total, count)
            else:
                labels[labels > 0] += total
                total += count
            found[t, planes] = labels
    return found, total


def rows(
    image: Image, labels: NDArray[np.int32], count: int, start: tuple[int, int], box: Box
) -> list[Rows]:
    """Measure labels (t, z, y, x) over ``box``; ``start`` is their first time and plane."""
    found = []
    for dt, dz in np.ndindex(labels.shape[:2]):
        t, z = start[0] + dt, start[1] + dz
        planes = [image.read(t, c, z, *box.slices) for c in range(image.shape[1])]
        columns = measure(labels[dt, dz], planes, count)
        found.append(Rows(t, z, (box.y0, box.x0), columns))
    return found


def pieces(
    how: Labelling, maps: Mapping[str, NDArray[Any]]
) -> Iterator[tuple[Box, NDArray[np.int32], int]]:
    """Labels (y, x) of one plane of ``maps`` (c, y, x), and the rectangle that they lie over.

    A large plane comes in tiles; an object belongs to the one that holds its centre.
    """
    shape = next(iter(maps.values())).shape[1:]
    whole = Box(0, 0, *shape)
    if shape[0] * shape[1] <= LARGE:
        yield whole, *how.label(maps)
        return
    for core in Grid((shape[0], shape[1])).tiles(_TILE, 1):
        if how.method == "classes":
            yield core, *how.label({name: one[:, *core.slices] for name, one in maps.items()})
            continue
        area = core.grown(_AROUND, (shape[0], shape[1]))
        labels, count = how.label({name: one[:, *area.slices] for name, one in maps.items()})
        yield area, *_of(labels, count, core, area)


def _of(labels: NDArray[np.int32], count: int, core: Box, area: Box) -> tuple[Any, int]:
    """The objects whose centres lie in ``core``, numbered anew."""
    places = np.nonzero(labels)
    ids = labels[places]
    areas = np.maximum(np.bincount(ids, minlength=count + 1), 1)
    centres = np.stack(
        [np.bincount(ids, axis, count + 1) // areas for axis in places], axis=1
    ).astype(np.int64)
    keep = core.holds(centres + np.array([area.y0, area.x0]))
    keep[0] = False
    renumbered = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return renumbered[labels], int(keep.sum())


def tables(
    image: Image, size: PixelSize | None, found: Sequence[tuple[Rows, int]]
) -> pa.Table | None:
    """All rows, each with what is to be added to its labels, as one table."""
    if not found:
        return None
    return pa.concat_tables([one.table(image, size, offset) for one, offset in found])
