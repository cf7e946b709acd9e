"""Pixel sizes, times between frames and channel names that TIFF files carry outside OME-XML."""

from __future__ import annotations

import math
import re
from typing import Any

from .core import PixelSize
from .units import micrometres, pixel_size, seconds

#: Pixel sizes in µm that resolution tags can be believed on. Print resolutions, which programs
#: write without being asked, are 25.4 (1000 dpi) and above; no light microscope is below 1 nm.
_PLAUSIBLE = (0.001, 10.0)

#: The pixel size in µm that Bio-Formats and SCIFIO write in the tags where they know none.
_UNCALIBRATED = 1.0

#: Values of the tag ResolutionUnit that are lengths.
_UNITS = {2: "inch", 3: "cm"}

#: The time between frames in the notes that ImageJ keeps of an image.
_FRAME_INTERVAL = re.compile(r"frame interval\s*[:=]\s*([\d.eE+-]+) ?([^\W\d]*)", re.IGNORECASE)

_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_MICROMANAGER = 51123


def calibration(tif: Any, page: Any, deep: bool) -> PixelSize | None:
    """The pixel size of a page of an open ``tifffile.TiffFile``; None where nothing says it.

    Asks ImageJ's, Zeiss LSM's, MetaMorph's, Aperio's and Micro-Manager's metadata, then the
    resolution tags. ``deep`` says that the image has several planes in depth.
    """
    found: PixelSize | None = None
    if tif.is_imagej and "unit" in (tif.imagej_metadata or {}):
        # A unit that is no length ("pixel") says that the tags are not to be believed either.
        return _imagej(tif.imagej_metadata, page, deep)
    if tif.is_lsm and tif.lsm_metadata:
        size = [micrometres(tif.lsm_metadata.get(f"VoxelSize{axis}"), "m") for axis in "YXZ"]
        found = pixel_size(size[0], size[1], size[2] if deep else None)
    elif tif.is_stk and (stk := tif.stk_metadata):
        unit = str(stk.get("CalibrationUnits", ""))
        size = [micrometres(stk.get(f"{axis}Calibration"), unit) for axis in "YX"]
        found = pixel_size(size[0], size[1])
    elif tif.is_svs and (mpp := re.search(r"MPP\s*=\s*([\d.]+)", page.description)):
        found = pixel_size(None, micrometres(mpp.group(1), "µm"))
    elif tif.is_micromanager:
        summary = (tif.micromanager_metadata or {}).get("Summary", {})
        plane = page.tags.valueof(_MICROMANAGER) or {}
        width = plane.get("PixelSizeUm") or summary.get("PixelSize_um")
        depth = micrometres(summary.get("z-step_um"), "µm") if deep else None
        found = pixel_size(None, micrometres(width, "µm"), depth)
    return found or _tags(page)


def interval(tif: Any) -> float | None:
    """Seconds between the frames of an open ``tifffile.TiffFile``, as ImageJ writes them.

    ImageJ leaves its unit out where it is the second.
    """
    metadata = (tif.imagej_metadata if tif.is_imagej else None) or {}
    found = seconds(metadata.get("finterval", ""), str(metadata.get("tunit", "s")))
    if found is None and (text := _FRAME_INTERVAL.search(str(metadata.get("Info", "")))):
        return seconds(text.group(1), text.group(2) or "s")
    return found


def labels(tif: Any, shape: tuple[int, int, int, int, int]) -> tuple[str, ...]:
    """Channel names from ImageJ's slice labels, where there is exactly one for each channel."""
    if not tif.is_imagej:
        return ()
    given = (tif.imagej_metadata or {}).get("Labels", ())
    names = tuple(str(name).strip() for name in given) if isinstance(given, (list, tuple)) else ()
    times, channels, depths = shape[:3]
    if channels < 2 or len(names) != channels * times * depths:
        return ()
    # The planes lie channel by channel within a slice within a frame.
    first = names[:channels]
    repeated = all(name == first[i % channels] for i, name in enumerate(names))
    return first if repeated and len(set(first)) == channels and all(first) else ()


def _imagej(metadata: dict[str, Any], page: Any, deep: bool) -> PixelSize | None:
    """ImageJ's calibration: the resolution tags are pixels per ``unit``, ``spacing`` in units."""
    unit = str(metadata["unit"])
    depth = micrometres(abs(float(metadata.get("spacing", 0) or 0)), unit) if deep else None
    y, x = _pitch(page, _Y_RESOLUTION), _pitch(page, _X_RESOLUTION)
    return pixel_size(micrometres(y, unit), micrometres(x, unit), depth)


def _tags(page: Any) -> PixelSize | None:
    """The resolution tags, where they have a unit and a plausible value."""
    unit = _UNITS.get(int(page.tags.valueof(_RESOLUTION_UNIT, 1)), "")
    y = micrometres(_pitch(page, _Y_RESOLUTION), unit)
    x = micrometres(_pitch(page, _X_RESOLUTION), unit)
    low, high = _PLAUSIBLE
    if y is None or x is None or not (low <= y <= high and low <= x <= high):
        return None
    return None if y == x == _UNCALIBRATED else pixel_size(y, x)


def _pitch(page: Any, tag: int) -> float:
    """Units per pixel, from a tag of pixels per unit; NaN where it is absent or no number."""
    try:
        numerator, denominator = page.tags.valueof(tag)
        return float(denominator) / float(numerator)
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan
