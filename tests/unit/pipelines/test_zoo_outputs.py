from __future__ import annotations

import numpy as np
import pytest

from cytomill.models.description import Axis, Fixed, Tensor
from cytomill.pipelines.zoo_axes import letters, to_image, to_tensor
from cytomill.pipelines.zoo_maps import resample, shifted, volume
from cytomill.pipelines.zoo_outputs import Scores, class_table, ends


def tensor(name, *axes):
    return Tensor(name, tuple(Axis(i, kind, Fixed(1)) for i, kind in axes), "float32")


def test_axes_have_letters():
    named = tensor("a", ("batch", "batch"), ("y", "space"), ("x", "space"), ("channel", "channel"))
    assert letters(named) == "BYXC"
    other = tensor("a", ("time", "time"), ("depth", "space"), ("row", "space"), ("column", "space"))
    assert letters(other) == "TZYX"
    assert letters(tensor("a", ("n", "index"), ("x", "space"))) == "IX"


@pytest.mark.parametrize("order", ["YX", "BCYX", "BYXC", "ZYX", "CTZYX", "XYZCTB"])
def test_tensors_and_images_are_the_same_pixels(order):
    shape = [n if a in order else 1 for a, n in zip("TCZYX", (2, 3, 4, 5, 6), strict=True)]
    pixels = np.arange(np.prod(shape)).reshape(shape)
    found = to_tensor(pixels, order)
    sizes = dict(zip("TCZYX", shape, strict=True)) | {"B": 1}
    assert found.shape == tuple(sizes[axis] for axis in order)
    assert np.array_equal(to_image(found, order), pixels)


def test_files_have_names_of_their_own():
    names = ["probability", "labels", "a/b", "a b", "A_B", "../x", "…"]
    found = ends(tensor(name) for name in names)
    assert list(found.values()) == [
        "probability", "labels_2", "a_b", "a_b_2", "A_B_3", "x", "output",
    ]  # fmt: skip


def test_scores_of_several_outputs_say_whose_they_are():
    axis = Axis("channel", "channel", Fixed(2), names=("cat", "dog"))
    outputs = [Tensor("kind", (axis,), "float32"), tensor("age", ("channel", "channel"))]
    table = class_table("a.tif", outputs, [Scores(0, None, {"kind": [0.2, 0.8], "age": [7.0]})])
    assert table.to_pylist() == [
        {
            "image": "a.tif",
            "t": 0,
            "z": None,
            "score-kind-cat": 0.2,
            "score-kind-dog": 0.8,
            "class-kind": "dog",
            "score-age-0": 7.0,
        }
    ]


@pytest.mark.parametrize("band", [1, 7, 2**22])
def test_maps_are_resampled_the_same_in_bands(monkeypatch, band):
    rng = np.random.default_rng(0)
    source = rng.random((31, 42)).astype(np.float32)
    whole = np.zeros((50, 77), np.float32)
    resample(source, whole)
    monkeypatch.setattr("cytomill.pipelines.zoo_maps._BAND", band)
    found = np.zeros_like(whole)
    resample(source, found)
    np.testing.assert_allclose(found, whole, atol=1e-6)
    assert source.min() <= found.min()
    assert found.max() <= source.max()
    classes = rng.integers(0, 5, (31, 42))
    picked = np.zeros((62, 84), classes.dtype)
    resample(classes, picked)
    assert np.array_equal(picked, classes.repeat(2, 0).repeat(2, 1))


def test_maps_without_edges_lie_in_the_middle():
    source = np.arange(1, 13).reshape(3, 4)
    target = np.zeros((5, 8), int)
    shifted(source, target)
    assert np.array_equal(target[1:4, 2:6], source)
    assert target.sum() == source.sum()
    back = np.zeros_like(source)
    shifted(target, back)
    assert np.array_equal(back, source)


def test_large_volumes_lie_on_disk(tmp_path, monkeypatch):
    assert type(volume((3, 4), np.dtype("f4"), tmp_path, "a")) is np.ndarray
    monkeypatch.setattr("cytomill.pipelines.zoo_maps.IN_MEMORY", 10)
    large = volume((3, 4), np.dtype("f4"), tmp_path, "a")
    assert isinstance(large, np.memmap)
    assert not large.any()
