"""The files that tracks can be written to, by the names that the option ``files`` knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...image.core import Image
from ..lineage import Lineage
from ..pictures.encode import check as check_movie
from .ctc_write import write_ctc
from .geff import write_geff
from .lineage_json import write_lineage
from .napari import write_napari
from .stack import Labels
from .trackmate import write_trackmate
from .trk import write_trk


@dataclass(frozen=True, slots=True)
class Material:
    """What files are made of: a lineage, its labels (t, z, y, x) and the raw movie (T, C, 1, Y, X).

    ``channel`` is the one of the movie that shows the cells, None for all of a colour picture.
    """

    lineage: Lineage
    labels: Labels
    image: Image
    channel: int | None = None


#: Writes a file or folder at the path. Memory is that of a few frames and of the spots; the same
#: tracks give the same bytes. The path is a temporary one, of whatever name.
Writer = Callable[[Path, Material], None]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file for tracks: ``end`` is how its names end, ``about`` a sentence for users.

    ``check`` raises `OptionError` where it cannot be written on this machine.
    """

    name: str
    end: str
    write: Writer
    about: str
    check: Callable[[], None] = lambda: None


def _tree(kind: str) -> Writer:
    def write(path: Path, made: Material) -> None:
        from ..pictures.tree import write_tree

        write_tree(path, made.lineage, kind=kind)

    return write


def _movie(kind: str) -> Writer:
    def write(path: Path, made: Material) -> None:
        from ..pictures.movie import write_movie

        write_movie(path, made.lineage, made.labels, made.image, made.channel, kind=kind)

    return write


#: All formats by name, in the order in which they are shown.
FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(
            "ctc",
            "RES",
            lambda path, made: write_ctc(path, made.lineage, made.labels),
            "Cell Tracking Challenge: a folder of masks with res_track.txt.",
        ),
        Format(
            "lineage",
            "lineage.json",
            lambda path, made: write_lineage(path, made.lineage),
            "The lineage.json of DeepCell and its Kiosk, which goes with the labels.",
        ),
        Format(
            "trk",
            "tracks.trk",
            lambda path, made: write_trk(path, made.lineage, made.labels, made.image),
            "DeepCell's archive of pixels, labels and lineage.",
        ),
        Format(
            "trackmate",
            "trackmate.xml",
            lambda path, made: write_trackmate(path, made.lineage, made.image),
            "TrackMate in Fiji.",
        ),
        Format(
            "geff",
            "tracks.geff",
            lambda path, made: write_geff(path, made.lineage),
            "Graph Exchange File Format: a Zarr folder with the graph of spots.",
        ),
        Format(
            "napari",
            "napari.csv",
            lambda path, made: write_napari(path, made.lineage),
            "A CSV for the Tracks layer of napari, and for any table.",
        ),
        Format("tree", "tree.png", _tree(".png"), "A picture of the lineage tree."),
        Format("tree_svg", "tree.svg", _tree(".svg"), "The same as a drawing for papers."),
        Format(
            "mp4",
            "tracks.mp4",
            _movie(".mp4"),
            "A movie with the cells outlined, for talks and browsers.",
            lambda: check_movie(".mp4"),
        ),
        Format("gif", "tracks.gif", _movie(".gif"), "The same as a GIF."),
    )
}
