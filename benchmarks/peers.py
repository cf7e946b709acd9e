"""What people use today, from the functions of scikit-image: the Kiosk's deep watershed.

Written from the published description of ``deep_watershed`` in deepcell-toolbox 0.12: seeds are the
h-maxima, or the local maxima, of one map; the other map is smoothed and flooded from them where it
is above a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.measure import label
from skimage.morphology import disk, h_maxima, remove_small_objects
from skimage.segmentation import relabel_sequential, watershed

#: The model's maps by name; ``relief`` is the mean of the last two.
MAPS = ("foreground", "distance", "centre")


@dataclass(frozen=True, slots=True)
class Deep:
    """The toolbox's arguments; those not given are its defaults.

    ``maxima`` and ``interior`` name the maps that seeds come from and that is flooded: where the
    toolbox's networks give an inner and an outer distance, ours give ``centre`` and ``distance``.
    ``radius`` is in pixels, ``interior_smooth`` a standard deviation in pixels, ``small`` the
    least area of an object in pixels.
    """

    algorithm: Literal["h_maxima", "peak_local_max"] = "h_maxima"
    maxima: str = "centre"
    interior: str = "distance"
    radius: int = 10
    maxima_threshold: float = 0.1
    interior_threshold: float = 0.01
    interior_smooth: float = 1.0
    small: int = 0


def named(maps: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The model's maps, uint8 (3, y, x), as the toolbox has them: float32 (y, x) of 0..1."""
    found = {name: one.astype(np.float32) / 255 for name, one in zip(MAPS, maps, strict=True)}
    found["relief"] = (found["distance"] + found["centre"]) / 2
    return found


def seeds(maps: dict[str, NDArray[np.float32]], how: Deep) -> NDArray[np.int32]:
    """Markers (y, x), a number for each seed."""
    surface = maps[how.maxima]
    if how.algorithm == "h_maxima":
        peaks = h_maxima(surface, h=how.maxima_threshold, footprint=disk(how.radius))
    else:
        places = peak_local_max(
            surface,
            min_distance=how.radius,
            threshold_abs=how.maxima_threshold,
            exclude_border=False,
        )
        peaks = np.zeros(surface.shape, np.uint8)
        peaks[tuple(places.T)] = 1
    markers: NDArray[np.int32] = label(peaks)
    return markers


def flood(
    maps: dict[str, NDArray[np.float32]], markers: NDArray[np.int32], how: Deep
) -> NDArray[np.int32]:
    """Labels (y, x) grown from ``markers``."""
    interior = ndimage.gaussian_filter(maps[how.interior], how.interior_smooth)
    labels = watershed(-interior, markers, mask=interior > how.interior_threshold)
    if how.small:
        labels = remove_small_objects(labels, max_size=how.small - 1)
    sequential: NDArray[np.int32] = relabel_sequential(labels)[0]
    return sequential


def deep_watershed(maps: dict[str, NDArray[np.float32]], how: Deep) -> NDArray[np.int32]:
    """Labels (y, x) of `named` maps."""
    return flood(maps, seeds(maps, how), how)
