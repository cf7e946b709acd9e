"""Putting labels of tiles together."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(nogil=True, cache=True)
def paste(canvas: NDArray[np.uint32], labels: NDArray[Any], offset: int) -> None:
    """Write ``labels`` (y, x), plus ``offset``, into ``canvas`` (y, x) where that is background.

    Background of ``labels`` writes nothing; both have the same shape.
    """
    for y in range(canvas.shape[0]):
        for x in range(canvas.shape[1]):
            if labels[y, x] > 0 and canvas[y, x] == 0:
                canvas[y, x] = labels[y, x] + offset
