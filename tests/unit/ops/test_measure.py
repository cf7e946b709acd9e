from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import regionprops_table

from cytomill.ops.measure import INTENSITY, SHAPE, measure

PROPERTIES = (*dict.fromkeys(name.split("-")[0] for name in SHAPE), *INTENSITY)


def blobs(seed: int, shape: tuple[int, int] = (90, 110)) -> NDArray[np.int32]:
    """Rough blobs of every size down to single pixels, many at the border; some ids are absent."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    labels = ndimage.label(field > 0.06)[0].astype(np.int32)
    labels[rng.random(shape) < 0.02] = 0
    labels[np.isin(labels, (2, 5))] = 0
    return labels


def assert_as_scikit_image(
    labels: NDArray[Any], image: NDArray[Any], tolerance: float = 1e-6
) -> None:
    expected = regionprops_table(labels, image, properties=("label", *PROPERTIES))
    found = measure(labels, [image], int(labels.max()))
    assert list(found) == ["label", *SHAPE, *(f"{name}-0" for name in INTENSITY)]
    for name, values in expected.items():
        mine = found[f"{name}-0" if name in INTENSITY else name]
        if name == "orientation":
            # The axis of a round object is rounding error, and ±π/2 are one direction.
            long = expected["eccentricity"] > 1e-3
            mine, values = np.sin(2 * mine[long]), np.sin(2 * values[long])
        np.testing.assert_allclose(mine, values, rtol=tolerance, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("seed", range(8))
def test_equals_scikit_image_on_blobs(seed: int) -> None:
    labels = blobs(seed)
    image = np.random.default_rng(seed).integers(0, 65536, labels.shape).astype(np.uint16)
    assert_as_scikit_image(labels, image)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_equals_scikit_image_for_every_type(dtype: type) -> None:
    labels = blobs(3)
    image = (np.random.default_rng(3).normal(size=labels.shape) * 3 + 5).clip(0).astype(dtype)
    assert_as_scikit_image(labels, image, 1e-5 if dtype is np.float32 else 1e-6)


def test_pixels_lines_frames_and_scattered_pieces_equal_scikit_image() -> None:
    labels = np.zeros((20, 24), np.uint16)
    labels[0, 0] = 1
    labels[2, 3:11] = 2
    labels[4:17, 0] = 3
    labels[np.arange(5, 15), np.arange(5, 15)] = 4
    labels[1:19, 15] = labels[1:19, 22] = labels[1, 15:23] = labels[18, 15:23] = 5
    labels[5:9, 17:20] = 6
    labels[19, 23] = labels[12, 2] = labels[19, 5] = 7
    assert_as_scikit_image(labels, labels * 3)


def test_many_small_random_objects_have_scikit_images_convex_area() -> None:
    rng = np.random.default_rng(11)
    tiles = [np.pad(rng.random((7, 7)) < 0.3, 1) for _ in range(200)]
    labels = np.concatenate([tile * (i + 1) for i, tile in enumerate(tiles)])
    assert_as_scikit_image(labels, labels)


def test_absent_ids_have_no_row() -> None:
    labels = np.array([[0, 2, 2], [5, 0, 0]])
    assert measure(labels, [], 9)["label"].tolist() == [2, 5]


def test_no_objects_give_empty_columns() -> None:
    found = measure(np.zeros((4, 5), np.int32), [np.ones((4, 5))], 0)
    assert {len(values) for values in found.values()} == {0}


def test_an_id_above_the_count_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 3"):
        measure(np.array([[4]]), [], 3)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        measure(np.ones((2, 2), np.int32), [np.ones((2, 3))], 1)


def test_nan_pixels_are_left_out() -> None:
    labels = np.array([[1, 1, 1, 2]])
    image = np.array([[1.0, np.nan, 3.0, np.nan]], np.float32)
    found = measure(labels, [image], 2)
    np.testing.assert_array_equal(found["intensity_mean-0"], [2, np.nan])
    np.testing.assert_array_equal(found["intensity_max-0"], [3, np.nan])
    np.testing.assert_array_equal(found["intensity_std-0"], [1, np.nan])


def test_deviation_keeps_its_digits_on_a_high_offset() -> None:
    image = 1e9 + np.array([[0.0, 1.0]])
    assert measure(np.ones((1, 2), np.int32), [image], 1)["intensity_std-0"] == [0.5]


def test_channels_are_numbered_and_read_in_any_layout_and_byte_order() -> None:
    labels = blobs(1)
    image = np.random.default_rng(1).integers(0, 999, labels.shape[::-1]).astype(np.uint16)
    locked = image.T.copy()
    locked.flags.writeable = False
    found = measure(labels, [image.T, locked, locked.astype(">u2")], int(labels.max()))
    for name in INTENSITY:
        np.testing.assert_array_equal(found[f"{name}-0"], found[f"{name}-1"])
        np.testing.assert_array_equal(found[f"{name}-0"], found[f"{name}-2"])
