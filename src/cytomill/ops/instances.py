"""From a network's maps to objects: probabilities, boundaries, distances, classes, labels.

Maps are those of one plane (y, x) or, where a network works in three dimensions, of one volume
(z, y, x). Labels are int32 of the same shape: 0 is background, objects are numbered from 1 without
gaps.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .watershed import Watershed, divide

#: Steps of the landscape that `divide` takes.
_STEPS = 4080

#: How far an object divided by its boundary must rise at its highest point, and above its passes
#: to neighbours: as shares of what certain foreground without any boundary reaches.
_PEAK, _PERSISTENCE = 0.3, 0.2

#: Distances up to this are taken to be shares of an object's radius, larger ones to be pixels.
_SHARE = 1.5

#: How far an object divided by distance must rise above its passes: a share of the radius of an
#: object, or pixels, of which the landscape holds `_FARTHEST`.
_RISE_SHARE, _RISE_PIXELS, _FARTHEST = 0.1, 0.75, 255

Labels = tuple[NDArray[np.int32], int]


def components(foreground: NDArray[Any], threshold: float, area: int) -> Labels:
    """What is connected, corners included, where ``foreground`` is at least ``threshold``.

    Objects of fewer than ``area`` pixels are left out. Returns labels and their number.
    """
    return _without_specks(_connected(foreground >= threshold), area)


def by_boundary(
    foreground: NDArray[Any], boundary: NDArray[Any], threshold: float, area: int
) -> Labels:
    """``foreground`` of at least ``threshold`` divided along ``boundary``, both in 0..1.

    A plane is divided by `watershed.divide` on the foreground less the boundary: where two objects
    touch, a boundary that is weaker than the noise of the maps does not part them. A volume is
    flooded from the components of the same difference; see `scipy.ndimage.watershed_ift`.
    """
    inside = foreground >= threshold
    rise = np.clip(foreground.astype(np.float32) - boundary.astype(np.float32), 0, 1)
    if foreground.ndim == 2:
        how = Watershed(peak=_PEAK, persistence=_PERSISTENCE, area=area)
        found = divide(_landscape(rise, inside), how)
        return found.labels, len(found.peaks)
    seeds = _connected(np.asarray(rise >= threshold))
    cost = np.rint(255 * np.clip(boundary, 0, 1)).astype(np.uint8)
    flooded = ndimage.watershed_ift(cost, seeds, structure=np.ones((3, 3, 3)))
    return _without_specks(np.where(inside, flooded, 0).astype(np.int32), area)


def by_distance(
    foreground: NDArray[Any], distance: NDArray[Any], threshold: float, area: int
) -> Labels:
    """``foreground`` (y, x) of at least ``threshold`` divided into the hills of ``distance``.

    Distances are to an object's edge, in pixels or as a share of its radius: which of the two is
    told from the largest one.
    """
    largest = float(distance.max(initial=0))
    top, rise = (1, _RISE_SHARE) if largest <= _SHARE else (_FARTHEST, _RISE_PIXELS)
    height = np.clip(distance.astype(np.float32) / np.float32(top), 0, 1)
    how = Watershed(peak=0, persistence=rise / top, area=area)
    found = divide(_landscape(height, foreground >= threshold), how)
    return found.labels, len(found.peaks)


def numbered(labels: NDArray[Any], area: int) -> Labels:
    """Labels of any integer or float type as they are, numbered anew where numbers are missing.

    What is not above 0 is background. Objects of fewer than ``area`` pixels are left out.
    """
    ids, flat = np.unique(np.maximum(labels, 0), return_inverse=True)
    offset = 0 if ids.size and ids[0] == 0 else 1
    return _without_specks((flat.reshape(labels.shape) + offset).astype(np.int32), area)


def classes(maps: NDArray[Any], threshold: float) -> NDArray[np.int32]:
    """The number, from 0, of the largest of ``maps`` (c, …) at every pixel.

    Of a single map 1 where it is at least ``threshold``, else 0.
    """
    if len(maps) == 1:
        return (maps[0] >= threshold).astype(np.int32)
    return np.argmax(maps, axis=0).astype(np.int32)


def _connected(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    if mask.ndim == 2:
        whole = np.ascontiguousarray(mask).view(np.uint8)
        return cv2.connectedComponents(whole, connectivity=8, ltype=cv2.CV_32S)[1]
    labels, _ = ndimage.label(mask, np.ones((3,) * mask.ndim), output=np.int32)
    return labels


def _landscape(height: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """``height``, 0..1, as `divide` takes it; smoothed, as maps are noisy in their last digits."""
    steps = cv2.GaussianBlur(height, (3, 3), 0, borderType=cv2.BORDER_REPLICATE) * _STEPS
    return np.where(inside, np.rint(steps).astype(np.uint16) + np.uint16(1), np.uint16(0))


def _without_specks(labels: NDArray[np.int32], area: int) -> Labels:
    keep = np.bincount(labels.ravel()) >= max(area, 1)
    keep[:1] = False
    ids = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return ids[labels], int(keep.sum())
