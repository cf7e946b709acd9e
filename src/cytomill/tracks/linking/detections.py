"""What the linker knows of the objects of one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The objects of frame ``t``, a row each, in order of ``ids``.

    ``ids`` (int32) are their labels in the frame. ``y`` and ``x`` are their centres, ``area`` their
    pixels, ``major`` and ``minor`` the axes of the ellipse with the same moments, in pixels, and
    ``turn`` the angle from the y axis to its long axis in radians; ``mean`` is their mean
    brightness above the background, NaN where there is no image. ``rim`` says which touch the
    image's border. ``shape`` is that of the frame, (y, x).
    """

    t: int
    ids: NDArray[np.int32]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    area: NDArray[np.float64]
    major: NDArray[np.float64]
    minor: NDArray[np.float64]
    turn: NDArray[np.float64]
    mean: NDArray[np.float64]
    rim: NDArray[np.bool_]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def places(self) -> NDArray[np.float64]:
        """Centres, (n, 2): y and x."""
        return np.stack([self.y, self.x], axis=1)


def detections(
    t: int,
    shape: tuple[int, int],
    columns: Mapping[str, NDArray[Any]],
    *,
    brightness: NDArray[np.float64] | None = None,
) -> Detections:
    """From the ``columns`` that `ops.measure.measure` gave for the whole frame.

    ``brightness`` is the mean of each object in the channel that shows the cells, above the
    background; None where there is no image.
    """
    count = len(columns["label"])
    height, width = shape
    rim = (
        (columns["bbox-0"] <= 0)
        | (columns["bbox-1"] <= 0)
        | (columns["bbox-2"] >= height)
        | (columns["bbox-3"] >= width)
    )
    return Detections(
        t,
        columns["label"].astype(np.int32),
        columns["centroid-0"].astype(np.float64),
        columns["centroid-1"].astype(np.float64),
        columns["area"].astype(np.float64),
        columns["axis_major_length"].astype(np.float64),
        columns["axis_minor_length"].astype(np.float64),
        columns["orientation"].astype(np.float64),
        np.full(count, np.nan) if brightness is None else np.asarray(brightness, np.float64),
        np.asarray(rim, np.bool_),
        shape,
    )
