from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from cytomill.batch.overlay import LONGEST, write_overlay
from cytomill.image.array import from_array
from cytomill.ops.outline import boundaries


def drawn(
    folder: Path, array: NDArray[Any], labels: Any, axes: str = "YX", **how: Any
) -> NDArray[np.uint8]:
    path = folder / "overlay.png"
    write_overlay(path, from_array(array, axes), labels, **how)
    with PIL.Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def coloured(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.ptp(picture, axis=2) > 30


def squares(shape: tuple[int, int] = (60, 80)) -> NDArray[np.uint16]:
    labels = np.zeros(shape, np.uint16)
    labels[10:30, 10:30], labels[10:30, 30:50], labels[40:, 60:] = 1, 2, 3
    return labels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int64, np.float32, bool])
def test_outlines_are_coloured_and_the_rest_is_grey(tmp_path: Path, dtype: Any) -> None:
    labels = squares()
    picture = drawn(tmp_path, (labels > 0).astype(dtype), labels[None, None])
    np.testing.assert_array_equal(coloured(picture), boundaries(labels))
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[20, 20].tolist() == [255, 255, 255]


def test_neighbours_have_different_colours(tmp_path: Path) -> None:
    picture = drawn(tmp_path, squares(), squares()[None, None]).astype(int)
    assert np.abs(picture[20, 29] - picture[20, 30]).max() > 60


def test_a_stack_shows_its_first_time_and_middle_depth(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 60, 80), np.uint8)
    labels = np.zeros(array.shape, np.uint16)
    array[0, 1] = squares()
    labels[0, 1] = squares()
    picture = drawn(tmp_path, array, labels, "TZYX")
    np.testing.assert_array_equal(coloured(picture), boundaries(squares()))


def test_the_channel_shown_can_be_chosen(tmp_path: Path) -> None:
    array = np.stack([np.zeros((60, 80), np.uint8), squares().astype(np.uint8)])
    nothing = np.zeros((1, 1, 60, 80), np.uint16)
    assert not drawn(tmp_path, array, nothing, "CYX").any()
    assert drawn(tmp_path, array, nothing, "CYX", channel=1).any()


@pytest.mark.parametrize("value", [0, 7, np.nan, np.inf])
def test_images_without_contrast_or_numbers_are_black(tmp_path: Path, value: float) -> None:
    array = np.full((60, 80), value, np.float32)
    picture = drawn(tmp_path, array, squares()[None, None])
    dark = picture[~boundaries(squares())]
    assert not dark.any() or np.isposinf(value)


@pytest.mark.parametrize("shape", [(9000, 1500), (30, 9001), (70_000, 2), (1, 1)])
def test_large_planes_are_reduced(tmp_path: Path, shape: tuple[int, int]) -> None:
    labels = np.ones((1, 1, *shape), np.uint16)
    labels[..., shape[0] // 2 :, :] = 2
    picture = drawn(tmp_path, np.zeros(shape, np.uint16), labels)
    assert max(picture.shape) <= LONGEST
    if shape[0] > 1:
        middle = len(picture) // 2
        assert np.flatnonzero(coloured(picture).any(axis=1)).tolist() == [middle - 1, middle]


def test_a_reduced_picture_is_read_a_band_at_a_time(tmp_path: Path) -> None:
    read: list[int] = []

    class Labels:
        def __getitem__(self, key: tuple[Any, ...]) -> NDArray[np.uint16]:
            rows, columns = (len(range(40_000)[s]) for s in key[2:])
            read.append(rows * columns)
            return np.zeros((rows, columns), np.uint16)

    array = np.broadcast_to(np.uint8(3), (9000, 40_000))
    picture = drawn(tmp_path, array, Labels())
    assert picture.shape == (900, 4000, 3)
    assert max(read) <= 2**24
    assert sum(read) == array.size
