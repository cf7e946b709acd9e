"""TrackMate's XML: opens in Fiji under Plugins › Tracking › Load a TrackMate file.

Elements, keys and units are those that TrackMate 7 writes itself. What it calls a track is a
family: all spots that edges lead between, where an edge to each of two daughters is a split. Spots
that are alone in their family are on no track.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from ...image.core import Image
from ..lineage import Lineage
from .graph import edges, of_spots

#: The version whose files these are like.
_VERSION = "7.11.1"

#: Rows that become text at a time.
_ROWS = 2**14

#: For spots, edges and tracks: key, name, short name, dimension, whether a whole number.
_SPOT = (
    ("QUALITY", "Quality", "Quality", "QUALITY", False),
    ("POSITION_X", "X", "X", "POSITION", False),
    ("POSITION_Y", "Y", "Y", "POSITION", False),
    ("POSITION_Z", "Z", "Z", "POSITION", False),
    ("POSITION_T", "T", "T", "TIME", False),
    ("FRAME", "Frame", "Frame", "NONE", True),
    ("RADIUS", "Radius", "R", "LENGTH", False),
    ("VISIBILITY", "Visibility", "Visibility", "NONE", True),
    ("AREA", "Area", "Area", "AREA", False),
    ("LABEL", "Label", "Label", "NONE", True),
    ("GENERATION", "Generation", "Generation", "NONE", True),
    ("FILLED", "Filled", "Filled", "NONE", True),
)
_EDGE = (
    ("SPOT_SOURCE_ID", "Source spot ID", "Source ID", "NONE", True),
    ("SPOT_TARGET_ID", "Target spot ID", "Target ID", "NONE", True),
    ("LINK_COST", "Edge cost", "Cost", "COST", False),
    ("DISPLACEMENT", "Displacement", "Disp.", "LENGTH", False),
    ("SPEED", "Speed", "Speed", "VELOCITY", False),
    ("EDGE_TIME", "Edge time", "Edge T", "TIME", False),
)
_TRACK = (
    ("TRACK_INDEX", "Track index", "Index", "NONE", True),
    ("TRACK_ID", "Track ID", "ID", "NONE", True),
    ("NUMBER_SPOTS", "Number of spots in track", "N spots", "NONE", True),
    ("NUMBER_GAPS", "Number of gaps", "N gaps", "NONE", True),
    ("NUMBER_SPLITS", "Number of split events", "N splits", "NONE", True),
    ("TRACK_DURATION", "Track duration", "Duration", "TIME", False),
    ("TRACK_START", "Track start", "Track start", "TIME", False),
    ("TRACK_STOP", "Track stop", "Track stop", "TIME", False),
)

#: How TrackMate shows it: tracks in colours of their own, spots in that of their track.
_DISPLAY = {
    "name": "CurrentDisplaySettings",
    "spotUniformColor": "204, 51, 204, 255",
    "spotColorByType": "TRACKS",
    "spotColorByFeature": "TRACK_INDEX",
    "spotDisplayRadius": 1.0,
    "spotDisplayedAsRoi": True,
    "spotMin": 0.0,
    "spotMax": 10.0,
    "spotShowName": False,
    "trackMin": 0.0,
    "trackMax": 10.0,
    "trackColorByType": "TRACKS",
    "trackColorByFeature": "TRACK_INDEX",
    "trackUniformColor": "204, 204, 51, 255",
    "undefinedValueColor": "0, 0, 0, 255",
    "missingValueColor": "89, 89, 89, 255",
    "highlightColor": "51, 230, 51, 255",
    "trackDisplayMode": "LOCAL_BACKWARD",
    "colormap": "Jet",
    "limitZDrawingDepth": False,
    "drawingZDepth": 10.0,
    "fadeTracks": True,
    "fadeTrackRange": 10,
    "useAntialiasing": True,
    "spotVisible": True,
    "trackVisible": True,
    "font": {
        "name": "Arial",
        "style": 1,
        "size": 12,
        "pointSize": 12.0,
        "fontSerializedDataVersion": 1,
    },
    "lineThickness": 1.0,
    "selectionLineThickness": 4.0,
    "trackschemeBackgroundColor1": "128, 128, 128, 255",
    "trackschemeBackgroundColor2": "192, 192, 192, 255",
    "trackschemeForegroundColor": "0, 0, 0, 255",
    "trackschemeDecorationColor": "0, 0, 0, 255",
    "trackschemeFillBox": False,
    "spotFilled": False,
    "spotTransparencyAlpha": 1.0,
}


@dataclass(frozen=True, slots=True)
class _Scale:
    """What a pixel and a frame are, in the units of the file."""

    y: float
    x: float
    t: float
    space: str
    time: str

    @classmethod
    def of(cls, lineage: Lineage) -> _Scale:
        size, interval = lineage.pixel_size, lineage.interval
        y, x, space = (1.0, 1.0, "pixel") if size is None else (size.y, size.x, "micron")
        t, time = (1.0, "frame") if interval is None else (interval, "sec")
        return cls(float(y), float(x), float(t), space, time)


def write_trackmate(path: Path, lineage: Lineage, image: Image) -> None:
    """Write ``lineage`` to ``path``; lengths are in µm and times in seconds where these are known.

    The id of a spot is its row in `Spots`, its name the label of its track, its quality its area in
    pixels, as of TrackMate's own detectors of labels. The file names ``image``, which TrackMate
    looks for beside it. Text is made a few thousand spots at a time.
    """
    scale = _Scale.of(lineage)
    frames, height, width = lineage.shape
    y, x, t = (f"{value!r}" for value in (scale.y, scale.x, scale.t))
    name = quoteattr(PurePosixPath(image.name).name)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<TrackMate version="{_VERSION}">\n'
            "<Log>Written by Cytomill.</Log>\n"
            f'<Model spatialunits="{scale.space}" timeunits="{scale.time}">\n'
        )
        file.write("<FeatureDeclarations>\n")
        for kind, features in (("Spot", _SPOT), ("Edge", _EDGE), ("Track", _TRACK)):
            file.write(f"<{kind}Features>\n{_declared(features)}</{kind}Features>\n")
        file.write("</FeatureDeclarations>\n")
        file.writelines(_spots(lineage, scale))
        file.writelines(_tracks(lineage, scale))
        file.write(
            "</Model>\n<Settings>\n"
            f'<ImageData filename={name} folder="" width="{width}" height="{height}" nslices="1" '
            f'nframes="{frames}" pixelwidth="{x}" pixelheight="{y}" voxeldepth="1.0" '
            f'timeinterval="{t}" />\n'
            f'<BasicSettings xstart="0" xend="{width - 1}" ystart="0" yend="{height - 1}" '
            f'zstart="0" zend="0" tstart="0" tend="{frames - 1}" />\n'
            '<DetectorSettings DETECTOR_NAME="MANUAL_DETECTOR" RADIUS="1.0" />\n'
            '<InitialSpotFilter feature="QUALITY" value="0.0" isabove="true" />\n'
            "<SpotFilterCollection />\n"
            '<TrackerSettings TRACKER_NAME="MANUAL_TRACKER" />\n'
            "<TrackFilterCollection />\n"
            "<AnalyzerCollection><SpotAnalyzers /><EdgeAnalyzers /><TrackAnalyzers />"
            "</AnalyzerCollection>\n</Settings>\n"
            '<GUIState state="ConfigureViews" />\n'
            f"<DisplaySettings>{json.dumps(_DISPLAY, indent=1)}</DisplaySettings>\n"
            "</TrackMate>\n"
        )


def _declared(features: tuple[tuple[str, str, str, str, bool], ...]) -> str:
    return "".join(
        f'<Feature feature="{key}" name="{name}" shortname="{short}" dimension="{dimension}" '
        f'isint="{str(whole).lower()}" />\n'
        for key, name, short, dimension, whole in features
    )


def _spots(lineage: Lineage, scale: _Scale) -> Iterator[str]:
    """The element AllSpots."""
    spots = lineage.spots
    generation = of_spots(lineage, lineage.generations)
    pixel = scale.y * scale.x
    yield f'<AllSpots nspots="{len(spots)}">\n'
    ends = np.searchsorted(spots.t, np.arange(lineage.shape[0] + 1)).tolist()
    for t, (start, stop) in enumerate(pairwise(ends)):
        yield f'<SpotsInFrame frame="{t}">\n'
        time = float(t * scale.t)
        for begin in range(start, stop, _ROWS):
            rows = slice(begin, min(begin + _ROWS, stop))
            columns = (
                range(rows.start, rows.stop),
                spots.label[rows].tolist(),
                spots.area[rows].tolist(),
                (spots.x[rows] * scale.x).tolist(),
                (spots.y[rows] * scale.y).tolist(),
                np.sqrt(spots.area[rows] * (pixel / np.pi)).tolist(),
                (spots.area[rows] * pixel).tolist(),
                generation[rows].tolist(),
                spots.filled[rows].astype(int).tolist(),
            )
            yield "".join(
                f'<Spot ID="{spot}" name="{label}" QUALITY="{quality!r}" POSITION_X="{x!r}" '
                f'POSITION_Y="{y!r}" POSITION_Z="0.0" POSITION_T="{time!r}" FRAME="{t}" '
                f'RADIUS="{radius!r}" VISIBILITY="1" AREA="{area!r}" LABEL="{label}" '
                f'GENERATION="{age}" FILLED="{filled}" />\n'
                for spot, label, quality, x, y, radius, area, age, filled in zip(
                    *columns, strict=True
                )
            )
        yield "</SpotsInFrame>\n"
    yield "</AllSpots>\n"


def _tracks(lineage: Lineage, scale: _Scale) -> Iterator[str]:
    """The elements AllTracks and FilteredTracks: the families with an edge, by their founder."""
    family = of_spots(lineage, lineage.founders)
    links = edges(lineage)
    links = links[np.argsort(family[links[:, 0]], kind="stable")]
    first = np.flatnonzero(np.diff(family[links[:, 0]], prepend=-1))
    founders = family[links[first, 0]].tolist()
    yield "<AllTracks>\n"
    texts = _edges(lineage, links, scale)
    for index, (founder, numbers) in enumerate(
        zip(founders, _families(lineage, links, first, scale), strict=True)
    ):
        attributes = " ".join(f'{key}="{value}"' for key, value in numbers.items())
        yield f'<Track name="Track_{founder}" TRACK_INDEX="{index}" TRACK_ID="{founder}" '
        yield f"{attributes}>\n"
        # Every spot but the founder's first one has one edge that leads to it.
        yield from islice(texts, numbers["NUMBER_SPOTS"] - 1)
        yield "</Track>\n"
    yield "</AllTracks>\n<FilteredTracks>\n"
    yield from (f'<TrackID TRACK_ID="{founder}" />\n' for founder in founders)
    yield "</FilteredTracks>\n"


def _families(
    lineage: Lineage, links: NDArray[np.int64], first: NDArray[np.int64], scale: _Scale
) -> Iterator[dict[str, Any]]:
    """The numbers of each family; its edges begin in ``links`` where ``first`` says."""
    if not len(links):
        return
    t = lineage.spots.t
    source, target = links.T
    children = np.bincount(source, minlength=len(t))
    # Of the edges that leave a spot, one stands for the split.
    leaving = np.unique(source, return_index=True)[1]
    splits = np.zeros(len(links), np.int64)
    splits[leaving] = children[source[leaving]] > 1
    begin = np.minimum.reduceat(t[source], first) * scale.t
    end = np.maximum.reduceat(t[target], first) * scale.t
    columns = {
        "NUMBER_SPOTS": np.diff(first, append=len(links)) + 1,
        "NUMBER_GAPS": np.add.reduceat((t[target] - t[source] > 1).astype(int), first),
        "NUMBER_SPLITS": np.add.reduceat(splits, first),
        "TRACK_DURATION": end - begin,
        "TRACK_START": begin,
        "TRACK_STOP": end,
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    yield from (dict(zip(columns, row, strict=True)) for row in rows)


def _edges(lineage: Lineage, links: NDArray[np.int64], scale: _Scale) -> Iterator[str]:
    """An element for each of ``links``."""
    spots = lineage.spots
    for begin in range(0, len(links), _ROWS):
        source, target = links[begin : begin + _ROWS].T
        moved = np.hypot(
            (spots.y[target] - spots.y[source]) * scale.y,
            (spots.x[target] - spots.x[source]) * scale.x,
        )
        time = (spots.t[target] - spots.t[source]) * scale.t
        middle = (spots.t[source] + spots.t[target]) / 2 * scale.t
        columns = (source, target, moved, moved / time, middle)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        yield from (
            f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" LINK_COST="-1.0" '
            f'DISPLACEMENT="{length!r}" SPEED="{speed!r}" EDGE_TIME="{when!r}" />\n'
            for a, b, length, speed, when in rows
        )
