"""Labels that are stored, read as those that a pipeline gave."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...image.core import Image


class StoredLabels:
    """A label image as a stack (t, z, y, x), of which planes and rectangles are read by slices."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self.dtype = image.dtype
        times, _, depths, height, width = image.shape
        self.shape = times, depths, height, width

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[Any]:
        t, z, *place = index
        y, x = place or (slice(None), slice(None))
        return np.asarray(self._image.read(t, 0, z, y, x))
