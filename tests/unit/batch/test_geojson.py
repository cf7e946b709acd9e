from __future__ import annotations

import json
import tracemalloc
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zarr
from numpy.typing import NDArray

from cytomill.batch.geojson import write_geojson
from cytomill.errors import OutputError
from cytomill.image.array import from_array
from cytomill.ops.measure import measure
from cytomill.ops.outline import Polygon, polygons
from cytomill.ops.table import to_table


def written(folder: Path, labels: Any, table: pa.Table | None = None) -> list[dict[str, Any]]:
    path = folder / "out.geojson"
    t, z, y, x = labels.shape
    image = from_array(np.broadcast_to(np.uint8(0), (t, 1, z, y, x)))
    write_geojson(path, labels, image, table)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert document["type"] == "FeatureCollection"
    features: list[dict[str, Any]] = document["features"]
    return features


def plane() -> NDArray[np.uint16]:
    """Object 1 is a square with a hole, object 2 has two pieces, 3 touches the corner."""
    labels = np.zeros((20, 30), np.uint16)
    labels[2:8, 3:9] = 1
    labels[4:6, 5:7] = 0
    labels[12:14, 3:9] = labels[16, 20:22] = 2
    labels[17:, 25:] = 3
    return labels


def test_objects_are_detections_with_a_class_and_a_uuid(tmp_path: Path) -> None:
    features = written(tmp_path, plane()[None, None])
    assert [f["properties"]["name"] for f in features] == ["1", "2", "3"]
    assert len({uuid.UUID(f["id"]) for f in features}) == 3
    for feature in features:
        assert feature["type"] == "Feature"
        assert feature["properties"]["objectType"] == "detection"
        assert feature["properties"]["classification"]["name"] == "Nucleus"
        assert len(feature["properties"]["classification"]["color"]) == 3
        assert "measurements" not in feature["properties"]
        assert "plane" not in feature["geometry"]


def test_holes_are_rings_and_pieces_are_polygons(tmp_path: Path) -> None:
    square, pieces, corner = (f["geometry"] for f in written(tmp_path, plane()[None, None]))
    assert square["type"] == corner["type"] == "Polygon"
    assert square["coordinates"][0] == [[3, 2], [9, 2], [9, 8], [3, 8], [3, 2]]
    assert len(square["coordinates"]) == 2
    assert pieces["type"] == "MultiPolygon"
    assert len(pieces["coordinates"]) == 2
    assert corner["coordinates"] == [[[25, 17], [30, 17], [30, 20], [25, 20], [25, 17]]]


def test_objects_of_a_stack_say_their_plane(tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 20, 30), np.uint16)
    labels[1, 2] = plane()
    labels[0, 1, 5, 5] = 1
    found = [(f["geometry"]["plane"], f["properties"]["name"]) for f in written(tmp_path, labels)]
    first = ({"c": -1, "z": 1, "t": 0}, "1")
    assert found == [first, *(({"c": -1, "z": 2, "t": 1}, name) for name in "123")]


def test_measurements_are_those_of_the_plane_and_object_and_finite(tmp_path: Path) -> None:
    labels = np.stack([plane(), plane()[::-1]])[:, None]
    tables = []
    for t in (1, 0):
        image = np.where(labels[t, 0] == 3, np.inf, 10.0 + t)
        columns = measure(labels[t, 0], [image], 2 + t) if t else measure(labels[0, 0], [image], 3)
        tables.append(to_table(columns, image="a", t=t, z=0))
    features = written(tmp_path, labels, pa.concat_tables(tables).slice(0, 5))
    by_key = {
        (f["geometry"]["plane"]["t"], f["properties"]["name"]): f["properties"] for f in features
    }
    assert by_key[0, "1"]["measurements"]["intensity_mean-0"] == 10
    assert by_key[1, "1"]["measurements"]["intensity_mean-0"] == 11
    assert by_key[1, "1"]["measurements"]["area"] == 32
    assert (
        by_key[1, "3"]["measurements"].keys().isdisjoint({"intensity_mean-0", "area_um2", "image"})
    )
    assert "measurements" not in by_key[0, "3"]


def test_an_image_without_objects_gives_an_empty_collection(tmp_path: Path) -> None:
    assert written(tmp_path, np.zeros((1, 1, 5, 5), np.uint16)) == []


def test_a_large_stack_on_disk_gives_what_memory_gives_within_bounds(tmp_path: Path) -> None:
    """Objects straddle blocks, and one is longer than a block."""
    rng = np.random.default_rng(5)
    whole = np.zeros((2300, 6500), np.uint32)
    for label, (y, x) in enumerate(rng.integers(0, (2270, 6470), (300, 2)), 1):
        whole[y : y + 20, x : x + rng.integers(5, 30)] = label
    whole[2040:2060, 2030:2070] = 301
    whole[100:103, 50:5000] = 302
    stack = zarr.create_array(
        tmp_path / "labels.zarr", shape=(1, 1, *whole.shape), chunks=(1, 1, 512, 512), dtype="u4"
    )
    stack[0, 0] = whole
    tracemalloc.start()
    features = written(tmp_path, stack)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outlines(features) == {str(label): as_lists(each) for label, each in polygons(whole)}
    assert peak < 0.8 * whole.nbytes


def test_pieces_of_one_object_in_far_blocks_stay_together(tmp_path: Path) -> None:
    labels = np.zeros((1, 1, 30, 4200), np.uint16)
    labels[..., 3:5, 3:5] = labels[..., 9:12, 4190:] = 8
    labels[..., 20:, 2000:2100] = 5
    expected = {str(label): as_lists(each) for label, each in polygons(labels[0, 0])}
    assert outlines(written(tmp_path, labels)) == expected


def outlines(features: list[dict[str, Any]]) -> dict[str, Any]:
    """Polygons by name, as lists of rings."""
    found = {}
    for feature in features:
        coordinates = feature["geometry"]["coordinates"]
        single = feature["geometry"]["type"] == "Polygon"
        found[feature["properties"]["name"]] = [coordinates] if single else coordinates
    assert len(found) == len(features)
    return found


def as_lists(outline: list[Polygon]) -> list[list[list[list[int]]]]:
    return [[ring.tolist() for ring in polygon] for polygon in outline]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.geojson"
    path.write_text("before")

    class Broken:
        shape = (1, 1, 5, 5)

        def __getitem__(self, key: object) -> NDArray[np.uint16]:
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="disk is full"):
        write_geojson(path, Broken(), from_array(np.zeros((5, 5), np.uint8)))
    assert [p.name for p in tmp_path.iterdir()] == ["out.geojson"]
    assert path.read_text() == "before"
