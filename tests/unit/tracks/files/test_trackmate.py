"""TrackMate's XML."""

from __future__ import annotations

import json
import tempfile
import warnings
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import geff
import numpy as np
import pytest
from geff.convert import from_trackmate_xml_to_geff
from hypothesis import given, settings

from cytomill.image.core import PixelSize
from cytomill.ops.track import Track
from cytomill.tracks.files.trackmate import write_trackmate
from cytomill.tracks.lineage import Lineage
from tests.lineages import lineage_of, lineages, movie


def written(path: Path, lineage: Lineage, name: str = "movie.tif") -> ET.Element:
    write_trackmate(path / "a.xml", lineage, movie(lineage, name))
    return ET.parse(path / "a.xml").getroot()


def attributes(element: ET.Element | None) -> dict[str, str]:
    assert element is not None
    return dict(element.attrib)


def tracks(root: ET.Element) -> tuple[Track, ...]:
    """The tracks that spots, told apart by LABEL, and edges tell of."""
    spots = {spot.attrib["ID"]: spot.attrib for spot in root.iter("Spot")}
    found: dict[int, tuple[int, int]] = {}
    for spot in spots.values():
        label, t = int(spot["LABEL"]), int(spot["FRAME"])
        begin, end = found.get(label, (t, t))
        found[label] = min(begin, t), max(end, t)
    parents = {}
    for edge in root.iter("Edge"):
        above = int(spots[edge.attrib["SPOT_SOURCE_ID"]]["LABEL"])
        below = int(spots[edge.attrib["SPOT_TARGET_ID"]]["LABEL"])
        if above != below:
            parents[below] = above
    return tuple(Track(one, *found[one], parents.get(one, 0)) for one in sorted(found))


@settings(deadline=None, max_examples=40)
@given(lineages())
def test_spots_and_edges_tell_the_same_lineage(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = written(Path(folder), lineage)
    assert tracks(root) == lineage.tracks
    frames = [int(frame.attrib["frame"]) for frame in root.iter("SpotsInFrame")]
    assert frames == list(range(lineage.shape[0]))
    size = lineage.pixel_size or PixelSize(1, 1)
    for spot, y, x, t in zip(
        root.iter("Spot"), lineage.spots.y, lineage.spots.x, lineage.spots.t, strict=True
    ):
        assert float(spot.attrib["POSITION_Y"]) == y * size.y
        assert float(spot.attrib["POSITION_X"]) == x * size.x
        assert float(spot.attrib["POSITION_T"]) == t * (lineage.interval or 1)
    # Each family with an edge is one track, whose spots no other one has, and all are shown.
    families = [
        {edge.attrib[end] for edge in track for end in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")}
        for track in root.iter("Track")
    ]
    assert [len(family) for family in families] == [
        int(track.attrib["NUMBER_SPOTS"]) for track in root.iter("Track")
    ]
    assert sum(map(len, families)) == len(set().union(*families))
    spots = {spot.attrib["ID"]: spot.attrib for spot in root.iter("Spot")}
    for track in root.iter("Track"):
        steps = [(edge.attrib["SPOT_SOURCE_ID"], edge.attrib["SPOT_TARGET_ID"]) for edge in track]
        times = [[int(spots[one]["FRAME"]) for one in step] for step in steps]
        leaving = Counter(source for source, _ in steps)
        assert {lineage.founders[int(spots[one]["LABEL"])] for step in steps for one in step} == {
            int(track.attrib["TRACK_ID"])
        }
        assert int(track.attrib["NUMBER_SPLITS"]) == sum(n > 1 for n in leaving.values())
        assert int(track.attrib["NUMBER_GAPS"]) == sum(b - a > 1 for a, b in times)
        assert float(track.attrib["TRACK_START"]) == min(min(times)) * (lineage.interval or 1)
        assert float(track.attrib["TRACK_STOP"]) == (
            max(b for _, b in times) * (lineage.interval or 1)
        )
    assert [one.attrib["TRACK_ID"] for one in root.iter("Track")] == [
        one.attrib["TRACK_ID"] for one in root.iter("TrackID")
    ]


@settings(deadline=None, max_examples=20)
@given(lineages())
def test_every_value_is_declared(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = written(Path(folder), lineage)
    for tag, group, others in (
        ("Spot", "SpotFeatures", {"ID", "name"}),
        ("Edge", "EdgeFeatures", set()),
        ("Track", "TrackFeatures", {"name"}),
    ):
        (declared,) = root.iter(group)
        keys = {feature.attrib["feature"] for feature in declared}
        for element in root.iter(tag):
            assert set(element.attrib) == keys | others


def test_another_reader_finds_the_same_graph(tmp_path: Path) -> None:
    tracks: dict[Track, set[int]] = {Track(1, 0, 4): {2}, Track(70_000, 5, 7, 1): set()}
    tracks |= {Track(3, 6, 6, 1): set(), Track(5, 1, 1): set(), Track(4, 7, 7, 3): set()}
    lineage = lineage_of(tracks, 8, filled=frozenset({(1, 3)}), pixel_size=PixelSize(0.5, 0.25))
    write_trackmate(tmp_path / "a.xml", lineage, movie(lineage))
    with warnings.catch_warnings():
        # Of a file that TrackMate wrote too: units it calls others, tracks it has no name for.
        warnings.simplefilter("ignore")
        from_trackmate_xml_to_geff(tmp_path / "a.xml", tmp_path / "a.geff")
        graph, _ = geff.read(tmp_path / "a.geff", backend="networkx")
    spots = lineage.spots
    assert {(one["FRAME"], one["LABEL"]) for _, one in graph.nodes(data=True)} == set(
        zip(spots.t.tolist(), spots.label.tolist(), strict=True)
    )
    assert {
        tuple(graph.nodes[end][key] for end in edge for key in ("LABEL", "FRAME"))
        for edge in graph.edges
    } == {
        (1, 0, 1, 1),
        (1, 1, 1, 3),
        (1, 3, 1, 4),
        (1, 4, 70_000, 5),
        (70_000, 5, 70_000, 6),
        (70_000, 6, 70_000, 7),
        (1, 4, 3, 6),
        (3, 6, 4, 7),
    }


def test_units_sizes_and_times_are_those_of_the_movie(tmp_path: Path) -> None:
    tracks: dict[Track, set[int]] = {Track(1, 0, 1): set(), Track(2, 3, 3, 1): set()}
    tracks[Track(3, 2, 2, 1)] = set()
    lineage = lineage_of(tracks, 4, pixel_size=PixelSize(0.5, 0.25), interval=60)
    root = written(tmp_path, lineage, 'folder/a "b" & <c>.tif')
    assert attributes(root.find("Model")) == {"spatialunits": "micron", "timeunits": "sec"}
    data = attributes(root.find("Settings/ImageData"))
    assert data["filename"] == 'a "b" & <c>.tif'
    assert (data["pixelwidth"], data["pixelheight"], data["timeinterval"]) == (
        "0.25",
        "0.5",
        "60.0",
    )
    assert (data["width"], data["height"], data["nframes"]) == ("7", "3", "4")
    track = attributes(root.find("Model/AllTracks/Track"))
    assert (track["NUMBER_SPLITS"], track["NUMBER_GAPS"], track["NUMBER_SPOTS"]) == ("1", "1", "4")
    assert (track["TRACK_START"], track["TRACK_STOP"], track["TRACK_DURATION"]) == (
        "0.0",
        "180.0",
        "180.0",
    )
    edge = attributes(next(root.iter("Edge")))
    assert (edge["DISPLACEMENT"], edge["SPEED"], edge["EDGE_TIME"]) == (
        "0.25",
        repr(0.25 / 60),
        "30.0",
    )
    spot = attributes(next(root.iter("Spot")))
    assert float(spot["RADIUS"]) == pytest.approx(np.sqrt(2 * 0.125 / np.pi))
    assert (spot["AREA"], spot["QUALITY"]) == ("0.25", "2.0")


def test_without_a_pixel_size_units_are_pixels_and_frames(tmp_path: Path) -> None:
    root = written(tmp_path, lineage_of({Track(1, 0, 1): set()}, 2))
    assert attributes(root.find("Model")) == {"spatialunits": "pixel", "timeunits": "frame"}


def test_a_movie_without_cells_has_frames_and_no_track(tmp_path: Path) -> None:
    root = written(tmp_path, lineage_of({}, 2))
    assert attributes(root.find("Model/AllSpots")) == {"nspots": "0"}
    assert len(list(root.iter("SpotsInFrame"))) == 2
    assert not list(root.iter("Track"))


def test_has_all_that_trackmate_asks_for(tmp_path: Path) -> None:
    root = written(tmp_path, lineage_of({Track(1, 0, 0): set()}, 1))
    wanted: dict[str, list[Any]] = {
        ".": ["Log", "Model", "Settings", "GUIState", "DisplaySettings"],
        "Model": ["FeatureDeclarations", "AllSpots", "AllTracks", "FilteredTracks"],
        "Settings": [
            "ImageData",
            "BasicSettings",
            "DetectorSettings",
            "InitialSpotFilter",
            "SpotFilterCollection",
            "TrackerSettings",
            "TrackFilterCollection",
            "AnalyzerCollection",
        ],
    }
    for place, tags in wanted.items():
        element = root.find(place)
        assert element is not None
        assert [child.tag for child in element] == tags
    assert json.loads(root.findtext("DisplaySettings") or "")["trackVisible"] is True
