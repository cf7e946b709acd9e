from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytomill.batch.outputs import Outputs
from cytomill.errors import OptionError, OutputError
from cytomill.image.array import from_array
from cytomill.image.core import PixelSize
from cytomill.image.formats import open_images
from cytomill.pipelines.base import Products, Result

LABELS = np.zeros((1, 1, 20, 30), np.uint16)
LABELS[0, 0, 5:9, 5:9] = 1
RESULT = Result(LABELS, 1, None, 0, PixelSize(0.5, 0.5), {})
IMAGE = from_array(LABELS[0, 0].astype(np.uint8), pixel_size=2.0)


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (Outputs(), ["a/b_labels.tif"]),
        (Outputs("zarr"), ["a/b.ome.zarr"]),
        (Outputs("zarr", ngff="0.5"), ["a/b.ome.zarr"]),
        (Outputs(overlay=True), ["a/b_labels.tif", "a/b_overlay.png"]),
        (
            Outputs(overlay=True, geojson=True),
            ["a/b_labels.tif", "a/b_overlay.png", "a/b.geojson"],
        ),
    ],
)
def test_exactly_the_named_files_are_written(tmp_path, outputs, names):
    assert outputs.names("a/b", Products()) == names
    outputs.write(tmp_path, "a/b", IMAGE, RESULT, "nuclei", "Nucleus")
    written = {f"a/{path.name}" for path in (tmp_path / "a").iterdir()}
    assert written == set(names)


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (Outputs(), ["a_labels.tif", "a_probability.tif", "a_points.npy", "a_lists.npz"]),
        (
            Outputs("zarr", geojson=True),
            ["a.ome.zarr", "a_probability.ome.zarr", "a_points.npy", "a_lists.npz", "a.geojson"],
        ),
    ],
)
def test_maps_and_arrays_are_written_beside_the_labels(tmp_path, outputs, names):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    result = replace(
        RESULT,
        maps={"probability": from_array(array)},
        arrays={"points.npy": array, "lists.npz": {"t0_z0": array, "t0_z1": array[:1]}},
    )
    products = Products(maps=("probability",), arrays=("points.npy", "lists.npz"))
    assert outputs.names("a", products) == names
    outputs.write(tmp_path, "a", IMAGE, result, "model", "Object")
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    with open_images(tmp_path / names[1]) as file:
        assert np.array_equal(file.images[0].read(), array)
    assert np.array_equal(np.load(tmp_path / "a_points.npy"), array)
    assert np.load(tmp_path / "a_lists.npz")["t0_z1"].shape == (1, 4)


@pytest.mark.parametrize("option", ["overlay", "geojson"])
def test_what_shows_labels_is_refused_where_there_are_none(option):
    with pytest.raises(OptionError, match=f"--{option}: shows labels, and there are none"):
        Outputs(**{option: True}).check(Products(labels=False, maps=("probability",)))
    Outputs(**{option: True}).check(Products())


def test_zarr_is_refused_where_there_is_no_image_to_write():
    Outputs("zarr").check(Products(labels=False, maps=("probability",)))
    with pytest.raises(OptionError, match="--format zarr: there are no labels or maps"):
        Outputs("zarr").check(Products(labels=False, tables=("classes",)))


def test_other_files_and_folders_appear_whole_or_not_at_all(tmp_path):
    def folder(path):
        assert path.parent == tmp_path
        assert not path.exists()
        path.mkdir()
        (path / "mask000.tif").write_bytes(b"mask")

    def half(path):
        path.mkdir()
        raise OSError(28, "full")

    files = {"lineage.json": lambda path: path.write_text("{}"), "RES": folder}
    products = Products(files=tuple(files))
    assert Outputs().ends(products) == {
        "_labels.tif": "labels",
        "_lineage.json": "files",
        "_RES": "files",
    }
    for _ in range(2):  # in the place of what is there
        Outputs().write(tmp_path, "a", IMAGE, replace(RESULT, files=files), "track", "Cell")
    whole = {"a_labels.tif", "a_lineage.json", "a_RES"}
    assert {path.name for path in tmp_path.iterdir()} == whole
    assert (tmp_path / "a_RES/mask000.tif").read_bytes() == b"mask"
    with pytest.raises(OutputError, match="the disk is full"):
        Outputs().write(tmp_path, "a", IMAGE, replace(RESULT, files={"RES": half}), "track", "Cell")
    assert {path.name for path in tmp_path.iterdir()} == whole
    assert (tmp_path / "a_RES/mask000.tif").read_bytes() == b"mask"


def test_no_result_lies_in_anothers(tmp_path):
    products = Products(files=("RES", "a_RES"))
    Outputs().check_stems(products, ["01", "01_RES", "b/01_RES", "01_RESULT/a"])
    with pytest.raises(OptionError, match="01_RES: would be a result of 01, and the folder of"):
        Outputs().check_stems(products, ["01", "01_res/deep/mask"])
    with pytest.raises(OptionError, match="a_a_RES: would be a file of two inputs"):
        Outputs().check_stems(products, ["a", "a_a"])


def test_labels_have_the_pixel_size_that_was_used(tmp_path):
    Outputs().write(tmp_path, "a", IMAGE, RESULT, "nuclei", "Nucleus")
    with open_images(tmp_path / "a_labels.tif") as file:
        assert file.images[0].pixel_size == PixelSize(0.5, 0.5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "png"}, "--format png: must be tiff or zarr"),
        ({"ngff": "0.4"}, "--ngff 0.4: only OME-Zarr has it; add --format zarr"),
        ({"format": "zarr", "ngff": "0.3"}, "--ngff 0.3: must be 0.4 or 0.5"),
    ],
)
def test_what_cannot_be_written_is_refused(options, told):
    with pytest.raises(OptionError) as refused:
        Outputs(**options)
    assert str(refused.value) == told


def test_a_file_where_a_folder_is_needed_is_told(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        Outputs().write(tmp_path, "a/b", IMAGE, RESULT, "nuclei", "Nucleus")
