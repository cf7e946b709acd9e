"""The pictures of the page on tracking: the tree of a synthetic movie, and a frame of its movie.

The movie is drawn by the parts of `cytomill sample`, so that it may be in the repository; tracks
are its truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cytomill.image.array import from_array
from cytomill.image.core import PixelSize
from cytomill.ops.measure import measure
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.pictures.painter import Painter
from cytomill.tracks.pictures.tree import write_tree

from .common import ROOT

#: What is shown: few enough cells that the tree can be read, minutes between frames, µm a pixel.
_SCENE = Scene((260, 400), diameter=34, coverage=0.05, clustering=0.6, grain=0.3, noise=0.02)
_FILM = Film(_SCENE, frames=60, speed=0.05, cycle=26)
_SEED, _MINUTES, _PIXEL = 5, 20, 0.5

#: The frame shown, and its longest edge in pixels.
_FRAME, _LONGEST = 45, 800


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    asked = made.parse_args()
    lineage, labels, frames = film()
    write_tree(asked.folder / "lineage.png", lineage)
    print(asked.folder / "lineage.png")
    image = from_array(frames, "TYX", _PIXEL)
    frame = Painter(lineage, labels[:, None], image, None, _LONGEST).paint(_FRAME)
    picture = PIL.Image.fromarray(frame).quantize(
        256, PIL.Image.Quantize.FASTOCTREE, dither=PIL.Image.Dither.NONE
    )
    picture.save(asked.folder / "movie.png", optimize=True)
    print(asked.folder / "movie.png")


def film() -> tuple[Lineage, NDArray[Any], NDArray[Any]]:
    """The lineage, and labels and frames, each uint16 (t, y, x)."""
    movie = Movie(_FILM, _SEED)
    frames, labels = (np.stack(planes) for planes in zip(*movie, strict=True))
    rows = []
    for t, plane in enumerate(labels):
        columns = measure(plane, [], int(plane.max()))
        names = ("label", "centroid-0", "centroid-1", "area")
        for row in zip(*(columns[name].tolist() for name in names), strict=True):
            rows.append((t, *row, False))
    size = PixelSize(_PIXEL, _PIXEL)
    tracks = tuple(movie.tracks)
    return Lineage(tracks, Spots.of(rows), labels.shape, size, 60.0 * _MINUTES), labels, frames


if __name__ == "__main__":
    main()
