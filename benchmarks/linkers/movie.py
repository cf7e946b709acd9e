"""A movie's detections as plain arrays, which any environment can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Tracks of detections, and the mothers of tracks: see the package.
Told = tuple[NDArray[np.intp], dict[int, int]]

#: The columns of a file, as `cytomill.tracks.linking.detections.Detections` has them.
COLUMNS = ("t", "ids", "y", "x", "area", "major", "minor", "turn", "mean", "rim")


@dataclass(frozen=True)
class Movie:
    """Detections of a movie, all frames one after the other; ``shape`` is (frames, y, x).

    ``columns`` are those of `COLUMNS`, equally long. ``pixels`` is a file with the arrays
    ``labels`` and ``images``, (t, y, x).
    """

    shape: tuple[int, int, int]
    columns: dict[str, NDArray[np.generic]]
    pixels: Path

    @property
    def frames(self) -> Iterator[tuple[int, slice]]:
        """The number of each frame, and its rows."""
        ends = np.searchsorted(self.columns["t"], np.arange(self.shape[0] + 1)).tolist()
        for t in range(self.shape[0]):
            yield t, slice(ends[t], ends[t + 1])

    @property
    def places(self) -> NDArray[np.float64]:
        """Centres, (n, 2): y and x."""
        return np.stack([self.columns["y"], self.columns["x"]], axis=1).astype(np.float64)

    @classmethod
    def load(cls, path: Path) -> Movie:
        """From the file that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            frames, height, width = stored["shape"].tolist()
            columns = {name: stored[name] for name in COLUMNS}
            return cls((frames, height, width), columns, Path(str(stored["pixels"])))

    def save(self, path: Path) -> None:
        """Write all but the pixels to ``path``."""
        np.savez(path, shape=np.array(self.shape), pixels=str(self.pixels), **self.columns)


def joined(pairs: Iterator[tuple[int, int]], count: int) -> Told:
    """Tracks of ``count`` detections that ``pairs`` of rows, before and after, make.

    A detection with one successor goes on as the same track, one with more is the mother of each.
    """
    after: dict[int, list[int]] = {}
    for first, second in pairs:
        after.setdefault(first, []).append(second)
    track, parents, tracks = np.full(count, -1), {}, 0
    for row in range(count):
        if track[row] < 0:
            track[row] = tracks
            tracks += 1
        heads = after.get(row, [])
        if len(heads) == 1:
            track[heads[0]] = track[row]
            continue
        for head in heads:
            track[head] = tracks
            parents[tracks] = int(track[row])
            tracks += 1
    return track, parents
