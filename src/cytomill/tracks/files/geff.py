"""GEFF, the Graph Exchange File Format: a lineage as a graph of spots in a Zarr folder.

Written as version 1.1 of the specification has it (https://liveimagetrackingtools.org/geff), in
Zarr's format 2, which the format's own library writes too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lineage import Lineage
from .graph import edges, of_spots

_VERSION = "1.1"

#: Values of a chunk: 1 MiB of the widest type.
_CHUNK = 2**17

#: What the values of spots are measured in, and what they are.
_ABOUT = {
    "t": ("frame", "Frame, from 0"),
    "y": ("pixel", "Centre, from the middle of the topmost pixel"),
    "x": ("pixel", "Centre, from the middle of the leftmost pixel"),
    "area": ("pixel^2", "Area"),
    "radius": ("pixel", "Radius of a circle of the same area"),
    "track": ("", "Label of the cell in the label images"),
    "tracklet": ("", "Label of the first track of a chain without divisions"),
    "lineage": ("", "Label of the first ancestor seen"),
    "generation": ("", "Divisions since the first ancestor seen"),
    "filled": ("", "Put into a gap, where the cell was not found"),
}


def write_geff(path: Path, lineage: Lineage) -> None:
    """Write the folder ``path``: a node for each spot, a directed edge from each to the next.

    Nodes are numbered from 0 in order of frame, then label, and have the properties t, y, x, area,
    radius, track, tracklet, lineage, generation and filled. Positions are in pixels and frames;
    the axes say how many µm and seconds these are where that is known. Lost frames are in the
    free part of the metadata, ``extra``.
    """
    import zarr  # takes 0.4 s, which only those who write it should wait for

    spots = lineage.spots
    values: dict[str, NDArray[Any]] = {
        "t": spots.t,
        "y": spots.y,
        "x": spots.x,
        "area": spots.area,
        "radius": np.sqrt(spots.area / np.pi),
        "track": spots.label,
        "tracklet": of_spots(lineage, _tracklets(lineage)),
        "lineage": of_spots(lineage, lineage.founders),
        "generation": of_spots(lineage, lineage.generations),
        "filled": spots.filled,
    }
    root = zarr.create_group(
        str(path), zarr_format=2, attributes={"geff": _metadata(lineage, values)}
    )
    nodes = root.create_group("nodes")
    _write(nodes, "ids", np.arange(len(spots), dtype=np.uint64))
    properties = nodes.create_group("props")
    for name, column in values.items():
        _write(properties.create_group(name), "values", column)
    links = root.create_group("edges")
    _write(links, "ids", edges(lineage).astype(np.uint64))
    links.create_group("props")


def _metadata(lineage: Lineage, values: dict[str, NDArray[Any]]) -> dict[str, Any]:
    size, interval = lineage.pixel_size, lineage.interval
    return {
        "geff_version": _VERSION,
        "directed": True,
        "axes": [
            _axis("t", "time", values["t"], interval, "second"),
            _axis("y", "space", values["y"], None if size is None else size.y, "micrometer"),
            _axis("x", "space", values["x"], None if size is None else size.x, "micrometer"),
        ],
        "node_props_metadata": {
            name: {
                "identifier": name,
                "dtype": values[name].dtype.name,
                "varlength": False,
                "unit": unit or None,
                "name": None,
                "description": description,
            }
            for name, (unit, description) in _ABOUT.items()
        },
        "edge_props_metadata": {},
        "sphere": "radius",
        "track_node_props": {"lineage": "lineage", "tracklet": "tracklet"},
        "display_hints": {
            "display_horizontal": "x",
            "display_vertical": "y",
            "display_time": "t",
        },
        "extra": {"cytomill": {"shape": list(lineage.shape), "lost_frames": list(lineage.lost)}},
    }


def _axis(
    name: str, kind: str, values: NDArray[Any], scale: float | None, unit: str
) -> dict[str, Any]:
    """An axis in pixels or frames, of which each is ``scale`` of ``unit``, where that is known."""
    axis: dict[str, Any] = {"name": name, "type": kind, "unit": _ABOUT[name][0]}
    if len(values):
        axis |= {"min": float(values.min()), "max": float(values.max())}
    if scale is not None:
        axis |= {"scale": float(scale), "scaled_unit": unit}
    return axis


def _tracklets(lineage: Lineage) -> dict[int, int]:
    """For each track the first one of those that go on in each other without a division."""
    found: dict[int, int] = {}
    for track in sorted(lineage.tracks, key=lambda one: (one.begin, one.label)):
        alone = len(lineage.daughters.get(track.parent, ())) == 1
        found[track.label] = found[track.parent] if alone else track.label
    return found


def _write(group: Any, name: str, values: NDArray[Any]) -> None:
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=(min(_CHUNK, max(len(values), 1)), *values.shape[1:]),
        # What comes out of others may depend on the number of threads.
        compressors={"id": "zlib", "level": 3},
    )
    array[...] = values
