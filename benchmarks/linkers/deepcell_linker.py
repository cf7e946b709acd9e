"""deepcell-tracking: its `CellTracker` with a stand-in for both of its networks.

The networks need TensorFlow. The stand-in takes no time to speak of and tells cells apart by
distance alone, so that what is timed is the tracker around them: its cost matrices, their
assignment, its bookkeeping. What it finds says nothing of what it finds with its own networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from deepcell_tracking import CellTracker
from numpy.typing import NDArray

from .movie import Movie

GRID: list[dict[str, Any]] = [{}]

#: It is slow, so it does the first frames only; those after would take longer.
FRAMES = 12

#: Pixels at which two cells are as likely the same as not.
_REACH = 20.0


class _Encoder:
    """In place of the network that looks at cells and their neighbours."""

    def predict(self, inputs: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        frames, cells = inputs["encoder_centroid_input"].shape[:2]
        return [np.zeros((frames, cells, 64), np.float32)]


class _Chances:
    """In place of the network that tells how likely two cells are the same, or related."""

    def predict(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        before = inputs["current_centroids"][0, -1]
        after = inputs["future_centroids"][0, 0]
        apart = np.hypot(*np.moveaxis(before[:, None] - after[None], -1, 0))
        same = np.exp2(-apart / _REACH)
        chances = np.stack([same, 0.9 * (1 - same), 0.1 * (1 - same)], axis=-1)
        return chances[None, None].astype(np.float32)


def prepare(movie: Movie) -> CellTracker:
    with np.load(movie.pixels) as stored:
        images, labels = (stored[name][:FRAMES, ..., None] for name in ("images", "labels"))
    return CellTracker(images.astype(np.float32), labels.astype(np.int32), _Chances(), _Encoder())


def link(prepared: CellTracker, setting: dict[str, Any]) -> CellTracker:
    prepared.track_cells()
    return prepared


def told(movie: Movie, linked: CellTracker) -> None:
    return None
