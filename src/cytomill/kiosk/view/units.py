"""The units of columns of measurements, as docs/measurements.md and docs/tracks-files.md say."""

from __future__ import annotations

#: By the end of a name.
_ENDS = {
    "_um_per_h": "µm/h",
    "_um2": "µm²",
    "_um": "µm",
    "_h": "h",
}

_NAMES = {
    "area": "px",
    **dict.fromkeys(("bbox-0", "bbox-1", "bbox-2", "bbox-3", "centroid-0", "centroid-1"), "px"),
    **dict.fromkeys(
        ("equivalent_diameter_area", "axis_major_length", "axis_minor_length", "perimeter"), "px"
    ),
    "orientation": "rad",
    "age": "frames",
    "speed": "px/frame",
}


def unit_of(name: str) -> str:
    """The unit of the column ``name``; empty where it has none, or a channel's own."""
    if name in _NAMES:
        return _NAMES[name]
    return next((unit for end, unit in _ENDS.items() if name.endswith(end)), "")
