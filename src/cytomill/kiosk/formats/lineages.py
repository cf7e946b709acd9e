"""The lineage of a movie, from what is stored of it: its labels and its tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...image.core import Image
from ...ops.track import Track
from ...tracks.lineage import Lineage, Spots
from .labels import StoredLabels

#: The columns of the measurements that say where cells are.
_PLACES = ("t", "label", "centroid-0", "centroid-1", "area")


def lineage_of(
    labels: Image, tracks: pa.Table, rows: pa.Table | None, interval: float | None
) -> Lineage:
    """The lineage of ``labels``: of ``tracks`` a row is a track, of ``rows`` a cell in a frame.

    Where nothing was measured the places of cells are those of their labels. Both tables are as
    `tracks.files.table` makes them.
    """
    columns = [tracks[name].to_pylist() for name in ("track", "first_frame", "last_frame")]
    parents = [parent or 0 for parent in tracks["parent"].to_pylist()]
    found = sorted(
        Track(label, begin, end, parent)
        for label, begin, end, parent in zip(*columns, parents, strict=True)
    )
    spots = _measured(rows) if rows is not None else _seen(labels)
    frames, _, _, height, width = labels.shape
    return Lineage(tuple(found), spots, (frames, height, width), labels.pixel_size, interval)


def _measured(rows: pa.Table) -> Spots:
    """The spots of measurements."""
    rows = rows.sort_by([("t", "ascending"), ("label", "ascending")])
    t, label, y, x, area = (rows[name].to_numpy() for name in _PLACES)
    filled = rows["filled"].fill_null(False).to_numpy()
    return Spots(
        t.astype(np.int32),
        label.astype(np.int32),
        y.astype(np.float64),
        x.astype(np.float64),
        area.astype(np.float64),
        filled.astype(bool),
    )


def _seen(labels: Image) -> Spots:
    """The spots of labels, a frame at a time."""
    stack = StoredLabels(labels)
    frames = [_frame(stack[t, 0], t) for t in range(stack.shape[0])]
    t, label, y, x, area = (np.concatenate(column) for column in zip(*frames, strict=True))
    filled = np.zeros(len(t), bool)
    return Spots(t.astype(np.int32), label.astype(np.int32), y, x, area, filled)


def _frame(labels: NDArray[np.integer], t: int) -> tuple[NDArray[np.float64], ...]:
    """Frame, label, centre and area of each cell of a frame, in order of label."""
    y, x = np.nonzero(labels)
    ids, which = np.unique(labels[y, x], return_inverse=True)
    area = np.bincount(which, minlength=len(ids)).astype(np.float64)
    down, across = (np.bincount(which, place, len(ids)) / area for place in (y, x))
    return np.full(len(ids), float(t)), ids.astype(np.float64), down, across, area
