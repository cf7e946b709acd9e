from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cytomill.image.core import PixelSize
from cytomill.ops.measure import measure
from cytomill.ops.table import PHYSICAL, channel_names, schema, to_table

LABELS = np.zeros((12, 14), np.int32)
LABELS[1:5, 2:9] = 1
LABELS[7:12, 4:6] = 3
IMAGE = np.arange(LABELS.size, dtype=np.uint16).reshape(LABELS.shape)


def table(**how: Any) -> pa.Table:
    return to_table(measure(LABELS, [IMAGE], 3), **({"image": "a.tif", "t": 2, "z": 1} | how))


def test_rows_name_their_image_plane_and_object() -> None:
    found = table()
    keys = found.select(["image", "t", "z", "label"]).to_pylist()
    assert keys == [{"image": "a.tif", "t": 2, "z": 1, "label": label} for label in (1, 3)]


def test_the_schema_does_not_depend_on_the_pixel_size_or_on_there_being_objects() -> None:
    nothing = measure(np.zeros_like(LABELS), [IMAGE], 0)
    schemas = [
        table().schema,
        table(pixel_size=PixelSize(0.5, 0.5)).schema,
        table(pixel_size=PixelSize(0.5, 0.7)).schema,
        to_table(nothing, image="", t=0, z=0).schema,
    ]
    assert all(other == schema(1) for other in schemas)


def test_names_of_all_scripts_and_none_are_kept() -> None:
    for name in ("", "Zellen µ 細胞.tif"):
        assert table(image=name)["image"].to_pylist() == [name, name]
        table(image=name).validate(full=True)


def test_what_is_not_a_number_is_null() -> None:
    measured = measure(LABELS, [np.where(LABELS == 3, np.nan, 1.0)], 3)
    found = to_table(measured, image="", t=0, z=0)
    assert found["intensity_mean-0"].to_pylist() == [1.0, None]
    found.validate(full=True)


def test_lengths_in_micrometres_follow_from_the_pixel_size() -> None:
    row = table(pixel_size=PixelSize(0.5, 0.5)).to_pylist()[0]
    assert row["area_um2"] == pytest.approx(28 * 0.25)
    assert row["centroid-1_um"] == pytest.approx(5 * 0.5)
    for name in ("equivalent_diameter_area", "axis_major_length", "axis_minor_length", "perimeter"):
        assert row[f"{name}_um"] == pytest.approx(0.5 * row[name])


def test_oblique_lengths_are_null_where_pixels_are_not_square() -> None:
    row = table(pixel_size=PixelSize(0.5, 1.0)).to_pylist()[0]
    assert (row["centroid-0_um"], row["centroid-1_um"]) == (1.25, 5.0)
    assert row["area_um2"] == 14
    assert row["equivalent_diameter_area_um"] == pytest.approx((4 * 14 / np.pi) ** 0.5)
    assert row["perimeter_um"] is row["axis_major_length_um"] is row["axis_minor_length_um"] is None


def test_micrometres_are_null_without_a_pixel_size() -> None:
    found = table()
    assert all(found[name].null_count == 2 for name in PHYSICAL)


def test_the_offset_moves_boxes_and_centroids_only() -> None:
    here, moved = table().to_pylist()[1], table(offset=(100, 2000)).to_pylist()[1]
    changed = {name: moved[name] - here[name] for name in here if here[name] != moved[name]}
    assert changed == {
        "bbox-0": 100, "bbox-1": 2000, "bbox-2": 100, "bbox-3": 2000,
        "centroid-0": 100, "centroid-1": 2000,
    }  # fmt: skip


def test_intensities_carry_the_name_of_their_channel() -> None:
    found = table(channels=["DAPI"])
    assert found["intensity_max-DAPI"].to_pylist() == [float(IMAGE[4, 8]), float(IMAGE[11, 5])]


def test_objects_without_a_number_have_null_intensities() -> None:
    columns = measure(LABELS, [np.where(LABELS == 1, np.nan, 2.0)], 3)
    found = to_table(columns, image="", t=0, z=0)
    assert found["intensity_mean-0"].to_pylist() == [None, 2.0]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        ([], ["0", "1", "2"]),
        (["DAPI", "", "GFP"], ["DAPI", "1", "GFP"]),
        (["GFP", "gfp", "GFP"], ["GFP", "gfp_1", "GFP_2"]),
        (['a,"b"\n', "=c", " Zelle 3 µm "], ["a_b", "c", "Zelle 3 µm"]),
        (["1", ""], ["1", "1_", "2"]),
    ],
)
def test_channel_names_are_safe_and_unique(names: list[str], columns: list[str]) -> None:
    assert channel_names(3, names) == columns
