"""Tracks as CSV, for the Tracks layer of napari and for whatever reads tables."""

from __future__ import annotations

from pathlib import Path

from ..lineage import Lineage
from .graph import by_track, of_spots

#: What napari asks for, in its order, then what it can colour tracks by.
COLUMNS = ("track_id", "t", "y", "x", "parent", "founder", "generation", "filled", "area")

#: Rows that become text at a time.
_ROWS = 2**15


def write_napari(path: Path, lineage: Lineage) -> None:
    """Write a row for each spot to ``path``, in order of track, then frame.

    ``t`` is the frame, ``y`` and ``x`` are the centre and ``area`` the size in pixels. ``parent``
    is 0 where there is none; with ``track_id`` it makes the graph that napari draws divisions from,
    so that one file is enough. ``filled`` is 1 where the cell was not found.
    """
    spots = lineage.spots
    order, _ = by_track(spots)
    parents = of_spots(lineage, {track.label: track.parent for track in lineage.tracks})
    founders = of_spots(lineage, lineage.founders)
    generations = of_spots(lineage, lineage.generations)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(",".join(COLUMNS) + "\n")
        for start in range(0, len(order), _ROWS):
            rows = order[start : start + _ROWS]
            columns = (
                spots.label[rows].tolist(),
                spots.t[rows].tolist(),
                spots.y[rows].tolist(),
                spots.x[rows].tolist(),
                parents[rows].tolist(),
                founders[rows].tolist(),
                generations[rows].tolist(),
                spots.filled[rows].astype(int).tolist(),
                spots.area[rows].tolist(),
            )
            file.writelines(
                f"{track},{t},{y!r},{x!r},{parent},{founder},{generation},{filled},{area!r}\n"
                for track, t, y, x, parent, founder, generation, filled, area in zip(
                    *columns, strict=True
                )
            )
