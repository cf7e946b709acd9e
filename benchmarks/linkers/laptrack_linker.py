"""laptrack: linear assignment between frames, then of segments, with gaps and splits.

Cutoffs are squared distances, as its documentation has them; it allows no splits unless told.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import networkx as nx
import numpy as np
from laptrack import LapTrack
from numpy.typing import NDArray

from .movie import Movie, Told, joined

GRID = [
    {"reach": reach, "split": split, "gaps": gaps}
    for reach, split, gaps in product((10, 15, 20, 30, 40, 60), (0.5, 1.0, 1.5), (2, 0))
]


def prepare(movie: Movie) -> list[NDArray[np.float64]]:
    return [movie.places[rows] for _, rows in movie.frames]


def link(prepared: list[NDArray[np.float64]], setting: dict[str, Any]) -> nx.Graph:
    reach, split = setting["reach"], setting["split"] * setting["reach"]
    tracker = LapTrack(
        cutoff=reach**2,
        gap_closing_cutoff=reach**2 if setting["gaps"] else False,
        gap_closing_max_frame_count=setting["gaps"],
        splitting_cutoff=split**2,
    )
    return tracker.predict(prepared)


def told(movie: Movie, linked: nx.Graph) -> Told:
    starts = [rows.start for _, rows in movie.frames]
    pairs = (sorted((first, second)) for first, second in linked.edges())
    rows = ((starts[t] + i, starts[s] + j) for (t, i), (s, j) in pairs)
    return joined(rows, len(movie.columns["t"]))
