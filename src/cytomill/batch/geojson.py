"""Outlines for QuPath: a GeoJSON FeatureCollection with a detection for every object.

Coordinates are pixels from the top left corner of the image, on the edges of pixels, so that a
detection covers exactly the pixels of its object. The properties are those that QuPath 0.4 and
later write themselves; earlier versions read the outlines and classes but not the measurements.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..image.atomic import replacing
from ..image.core import Image
from ..ops.outline import Polygon, trace
from ..ops.runs import boxes, merge_boxes

#: Red, green and blue of the class in QuPath: a magenta that shows on black and on white.
COLOUR = (224, 48, 160)

#: Edge in pixels of the squares that labels are read in: 16 MiB, and thousands of nuclei, each.
_BLOCK = 2048

#: Makes the ids of detections, which are the same whenever the same image is written.
_NAMESPACE = uuid.UUID("5f1d8a0e-6c0b-5f5c-9d52-1f0f5b0c7a11")


def write_geojson(
    path: Path,
    labels: Any,
    image: Image,
    measurements: pa.Table | None = None,
    classification: str = "Nucleus",
) -> None:
    """Write the outlines of ``labels``, an array-like (t, z, y, x) of integers, to ``path``.

    Objects are told apart by plane and id; an object of several pieces is one MultiPolygon. Where
    ``image`` has several planes, each detection says which it is on. ``measurements`` is a table
    as of `ops.table.to_table`: the numbers of the row with an object's ``t``, ``z`` and ``label``
    become its measurements, less those that are null or not finite.

    Labels are read a block at a time, and features written as they are traced: memory is bounded
    by the largest object. Raises `OutputError`; ``path`` appears whole or not at all.
    """
    rows = _Rows(measurements)
    kind = {"name": classification, "color": list(COLOUR)}
    several = len(image.planes) > 1
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        separator = "\n"
        for t, z in image.planes:
            for block in _blocks(labels, t, z):
                found = rows.find(t, z, [label for label, _ in block])
                for (label, polygons), measured in zip(block, found, strict=True):
                    geometry = _geometry(polygons)
                    if several:
                        geometry["plane"] = {"c": -1, "z": z, "t": t}
                    properties: dict[str, Any] = {
                        "objectType": "detection",
                        "name": str(label),
                        "classification": kind,
                    }
                    if measured:
                        properties["measurements"] = measured
                    feature = {
                        "type": "Feature",
                        "id": str(uuid.uuid5(_NAMESPACE, f"{image.name}\n{t} {z} {label}")),
                        "geometry": geometry,
                        "properties": properties,
                    }
                    file.write(separator + json.dumps(feature, separators=(",", ":")))
                    separator = ",\n"
        file.write("\n]}\n")


def _geometry(polygons: list[Polygon]) -> dict[str, Any]:
    coordinates = [[ring.tolist() for ring in polygon] for polygon in polygons]
    if len(coordinates) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _blocks(labels: Any, t: int, z: int) -> Iterator[list[tuple[int, list[Polygon]]]]:
    """The outlines of the objects of a plane, those that begin in one block at a time.

    A first pass finds the boxes of objects, which may lie in many blocks; a second reads each
    block with as much beyond it as the objects that begin in it cover.
    """
    height, width = labels.shape[2:]
    ids, corners = [], []
    for y in range(0, height, _BLOCK):
        for x in range(0, width, _BLOCK):
            found, box = boxes(np.asarray(labels[t, z, y : y + _BLOCK, x : x + _BLOCK]))
            ids.append(found)
            corners.append(box + np.array((y, x, y, x)))
    every, box = merge_boxes(np.concatenate(ids), np.concatenate(corners))
    block = box[:, 0] // _BLOCK * (width // _BLOCK + 1) + box[:, 1] // _BLOCK
    order = np.argsort(block, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(block[order])) + 1):
        if not members.size:
            continue
        large = np.max(box[members, 2:] - box[members, :2], axis=1) > _BLOCK
        outlines: list[tuple[int, list[Polygon]]] = []
        for together in (members[~large], *members[large][:, None]):
            outlines += _outlines(labels, t, z, every[together], box[together])
        yield outlines


def _outlines(
    labels: Any, t: int, z: int, ids: NDArray[np.int64], box: NDArray[np.int64]
) -> Iterator[tuple[int, list[Polygon]]]:
    """The outlines of objects whose boxes are read in one go."""
    if not ids.size:
        return
    y0, x0 = box[:, :2].min(axis=0).tolist()
    y1, x1 = box[:, 2:].max(axis=0).tolist()
    area = np.ascontiguousarray(labels[t, z, y0:y1, x0:x1], np.int32)
    corner = np.array((x0, y0), np.int32)
    for label, (top, left, bottom, right) in zip(ids.tolist(), box.tolist(), strict=True):
        polygons = trace(area, label, (top - y0, left - x0, bottom - y0, right - x0))
        yield label, [[ring + corner for ring in polygon] for polygon in polygons]


class _Rows:
    """Finds the measurements of objects in a table."""

    def __init__(self, table: pa.Table | None) -> None:
        self._table = table.drop_columns(["image", "t", "z"]) if table is not None else pa.table({})
        columns = [np.zeros(0, np.int64)] * 3
        if table is not None:
            columns = [table[name].to_numpy().astype(np.int64) for name in ("t", "z", "label")]
        keys = _key(*columns)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def find(self, t: int, z: int, ids: list[int]) -> list[dict[str, float]]:
        """The finite numbers of each object by column name; empty where it has no row."""
        wanted = _key(t, z, np.array(ids, np.int64))
        place = np.searchsorted(self._keys, wanted)
        known = place < len(self._keys)
        known[known] = self._keys[place[known]] == wanted[known]
        rows = iter(self._table.take(self._order[place[known]]).to_pylist())
        return [_finite(next(rows)) if there else {} for there in known.tolist()]


def _key(t: Any, z: Any, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number per object: 16 bits each for time and depth, 31 for the id."""
    return np.asarray((t << 47) + (z << 31) + label)


def _finite(row: dict[str, float | None]) -> dict[str, float]:
    """JSON has no NaN and no infinity."""
    return {
        name: value for name, value in row.items() if value is not None and math.isfinite(value)
    }
