from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cytomill.image import ngff_write, tiff_write
from cytomill.image.array import from_array
from cytomill.image.formats import open_images
from cytomill.image.ome import parse
from cytomill.image.units import seconds


def interval(path: Path) -> float | None:
    with open_images(path) as file:
        return file.images[0].interval


MOVIE = np.arange(3 * 8 * 9, dtype=np.uint8).reshape(3, 8, 9)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("30", "min", 1800),
        (500, "ms", 0.5),
        (2, "hours", 7200),
        (5, "second", 5),
        (7, "µs", 7e-6),
        (0, "s", None),
        (-1, "s", None),
        ("nan", "s", None),
        ("soon", "s", None),
        (1, "frame", None),
    ],
)
def test_times_are_seconds_whatever_their_unit(value, unit, expected):
    assert seconds(value, unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"TimeIncrement": 30.0, "TimeIncrementUnit": "min"}, 1800),
        ({"TimeIncrement": 12}, 12),
        ({"Plane": {"DeltaT": [0.5, 10.5, 22.5], "DeltaTUnit": ["s"] * 3}}, 11),
        ({"TimeIncrement": 0}, None),
        ({}, None),
    ],
)
def test_ome_tiff_says_the_time_between_frames(tmp_path, metadata, expected):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, MOVIE, metadata={"axes": "TYX", **metadata})
    assert interval(path) == pytest.approx(expected)


def test_planes_of_several_channels_are_timed_by_the_first_of_each_frame():
    planes = "".join(
        f'<Plane TheT="{t}" TheC="{c}" TheZ="0" DeltaT="{t * 60 + c * 7}" DeltaTUnit="s"/>'
        for t in range(3)
        for c in range(2)
    )
    xml = f"<OME><Image><Pixels SizeT='3' SizeC='2'>{planes}</Pixels></Image></OME>"
    assert parse(xml)[0].interval == 60


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"finterval": 15.5}, 15.5),
        ({"finterval": 2, "tunit": "min"}, 120),
        ({"Info": "Exposure = 3\nFrame interval: 4.5 min\nGain = 1"}, 270),
        ({"finterval": 0.0}, None),
        ({}, None),
    ],
)
def test_imagej_says_the_time_between_frames(tmp_path, metadata, expected):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, MOVIE, imagej=True, metadata={"axes": "TYX", **metadata})
    assert interval(path) == pytest.approx(expected)


def test_one_frame_has_no_interval(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, MOVIE[0], metadata={"axes": "YX", "TimeIncrement": 5.0})
    assert interval(path) is None


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_keeps_the_time_between_frames_of_image_and_labels(tmp_path, version):
    image = replace(from_array(MOVIE, "TYX"), interval=90.0)
    path = tmp_path / "a.ome.zarr"
    labels = MOVIE[:, None].astype(np.uint16)
    ngff_write.write_labelled(path, labels, image, name="cells", version=version)
    assert interval(path) == 90
    assert interval(path / "labels" / "cells") == 90


def test_ome_zarr_without_a_unit_of_time_says_nothing(tmp_path):
    path = tmp_path / "a.ome.zarr"
    ngff_write.write_image(path, from_array(MOVIE, "TYX"))
    axes = json.loads((path / ".zattrs").read_text())["multiscales"][0]["axes"]
    assert axes[0] == {"name": "t", "type": "time"}
    assert interval(path) is None


def test_ome_tiff_keeps_the_time_between_frames_of_image_and_labels(tmp_path):
    image = replace(from_array(MOVIE, "TYX"), interval=0.25)
    tiff_write.write_image(tmp_path / "a.tif", image)
    tiff_write.write_labels(tmp_path / "b.tif", MOVIE[:, None].astype(np.uint16), image)
    assert interval(tmp_path / "a.tif") == 0.25
    assert interval(tmp_path / "b.tif") == 0.25
