"""The built-in model by itself: what it is fed and what comes out, without the rest of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytomill.inference.runtime import Runtime
from cytomill.models.registry import find
from cytomill.ops.normalise import levels, normalise


def prepared(pixels: NDArray[np.generic], model: str) -> NDArray[np.float32]:
    """A plane (y, x) as ``model`` takes it: normalised, mirrored to its stride, (1, 1, y, x)."""
    between = levels(pixels.shape, lambda y, x: pixels[y, x])
    bottom, right = (-n % find(model).stride for n in pixels.shape)
    x = np.pad(normalise(pixels, between), ((0, bottom), (0, right)), mode="symmetric")
    return np.ascontiguousarray(x[None, None])


def maps(pixels: NDArray[np.generic], runtime: Runtime) -> NDArray[np.uint8]:
    """The model's maps of a plane (y, x): uint8 (3, y, x)."""
    height, width = pixels.shape
    found = runtime.predict(prepared(pixels, runtime.name))[0]
    return np.ascontiguousarray(found[:, :height, :width])
