"""Halving: means of pixels, samples of labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cytomill.kiosk.view.halving import label_type, mean, nearest, pixel_type

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: arrays(kind, SHAPES)))
def test_means_of_integers_are_those_of_squares_to_the_nearest(pixels):
    found = mean(pixels, 1)
    even = np.pad(pixels, [(0, edge % 2) for edge in pixels.shape], mode="edge").astype(float)
    exact = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    assert found.dtype == pixels.dtype
    assert found.shape == exact.shape
    assert np.abs(found - exact).max() <= 0.5


def test_what_is_not_a_number_is_left_out():
    pixels = np.array([[1, np.nan, np.nan, np.nan], [3, 5, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(mean(pixels, 1), np.array([[3, np.nan]], np.float32))
    assert mean(np.array([[np.inf, 1], [1, 1]], np.float32), 1) == np.inf


def test_halved_twice_is_halved_and_halved_again():
    pixels = np.random.default_rng(0).integers(0, 255, (37, 50), np.uint8)
    np.testing.assert_array_equal(mean(pixels, 2), mean(mean(pixels, 1), 1))
    np.testing.assert_array_equal(nearest(pixels, 2), nearest(nearest(pixels, 1), 1))
    assert mean(pixels, 0) is pixels


@given(arrays(np.uint32, SHAPES), st.integers(0, 4))
def test_labels_are_never_mixed(labels, times):
    found = nearest(labels, times)
    assert {*found.ravel().tolist()} <= {*labels.ravel().tolist()}
    assert found.shape == tuple(-(-edge // 2**times) for edge in labels.shape)


@pytest.mark.parametrize(
    ("dtype", "pixels", "labels"),
    [
        ("bool", "|u1", "<u2"), ("uint8", "|u1", "<u2"), ("uint16", "<u2", "<u2"),
        ("int16", "<f4", "<u4"), ("uint32", "<f4", "<u4"), ("int32", "<f4", "<u4"),
        ("float16", "<f4", "<u4"), ("float64", "<f4", "<u4"),
    ],
)  # fmt: skip
def test_types_that_are_sent(dtype, pixels, labels):
    assert pixel_type(np.dtype(dtype)).str == pixels
    assert label_type(np.dtype(dtype)).str == labels
