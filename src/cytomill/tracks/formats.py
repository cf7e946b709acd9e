"""The files that tracks can be written to, by the names that the option ``formats`` knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..image.core import Image
from .ctc_write import write_ctc
from .geff import write_geff
from .lineage import Lineage
from .lineage_json import write_lineage
from .napari import write_napari
from .stack import Labels
from .trackmate import write_trackmate
from .trk import write_trk

#: Writes a file or folder at the path from a lineage, its labels (t, z, y, x) and the raw movie
#: (T, C, 1, Y, X). Memory is that of a few frames and of the spots; the same tracks give the same
#: bytes. The path is a temporary one, of whatever name.
Writer = Callable[[Path, Lineage, Labels, Image], None]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file for tracks: ``end`` is how its names end, ``about`` a sentence for users."""

    name: str
    end: str
    write: Writer
    about: str


#: All formats by name, in the order in which they are shown.
FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(
            "ctc",
            "RES",
            lambda path, lineage, labels, image: write_ctc(path, lineage, labels),
            "Cell Tracking Challenge: a folder of masks with res_track.txt.",
        ),
        Format(
            "lineage",
            "lineage.json",
            lambda path, lineage, labels, image: write_lineage(path, lineage),
            "The lineage.json of DeepCell and its Kiosk, which goes with the labels.",
        ),
        Format(
            "trk",
            "tracks.trk",
            write_trk,
            "DeepCell's archive of pixels, labels and lineage.",
        ),
        Format(
            "trackmate",
            "trackmate.xml",
            lambda path, lineage, labels, image: write_trackmate(path, lineage, image),
            "TrackMate in Fiji.",
        ),
        Format(
            "geff",
            "tracks.geff",
            lambda path, lineage, labels, image: write_geff(path, lineage),
            "Graph Exchange File Format: a Zarr folder with the graph of spots.",
        ),
        Format(
            "napari",
            "napari.csv",
            lambda path, lineage, labels, image: write_napari(path, lineage),
            "A CSV for the Tracks layer of napari, and for any table.",
        ),
    )
}
