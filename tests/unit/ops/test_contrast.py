from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cytomill.image.array import from_array
from cytomill.ops.contrast import brightest, greys, shown, stretch
from cytomill.ops.normalise import Levels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float64])
def test_counts_between_the_levels_become_greys_and_others_are_cut_off(dtype: Any) -> None:
    pixels = np.array([0, 10, 60, 110, 120], dtype)
    assert stretch(pixels, Levels(10, 110), 200).tolist() == [0, 0, 100, 200, 200]


def test_what_is_no_number_is_black_and_what_is_endless_is_cut_off() -> None:
    pixels = np.array([np.nan, -np.inf, np.inf], np.float32)
    assert stretch(pixels, Levels(0, 1), 255).tolist() == [0, 0, 255]


def test_a_constant_image_is_black() -> None:
    assert not stretch(np.full((2, 3), 7, np.uint16), Levels(7, 7), 255).any()


def test_greys_rise_from_black_to_white() -> None:
    table = greys(192).astype(int)
    assert (table[0], table[-1], len(table)) == (0, 255, 192)
    assert (np.diff(table) > 0).all()


def test_the_stain_is_shown_or_of_a_colour_picture_all_channels() -> None:
    stack = from_array(np.zeros((3, 4, 5), np.uint8), "CYX")
    assert shown(stack, None) == [0]
    assert shown(stack, 2) == [2]


def test_the_brightest_channel_counts() -> None:
    planes = [np.array([[1, 5]], np.int64), np.array([[4, 2]], np.int64)]
    assert brightest(planes).tolist() == [[4, 5]]
    assert brightest(planes).dtype == np.float64
