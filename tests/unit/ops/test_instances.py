from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.measure import label

from cytomill.ops.instances import by_boundary, by_distance, classes, components, numbered


def discs(shape, centres, radius):
    """How far inside a disc a pixel lies, in pixels; 0 outside all."""
    grid = np.indices(shape)
    away = [
        np.sqrt(sum((axis - at) ** 2 for axis, at in zip(grid, centre, strict=True)))
        for centre in centres
    ]
    return np.clip(radius - np.min(away, axis=0), 0, None).astype(np.float32)


#: Two discs that touch, and one on its own.
CENTRES = [(20, 20), (20, 36), (50, 50)]


@settings(deadline=None, max_examples=30)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))
)
def test_components_are_those_of_scikit_image(mask):
    labels, count = components(mask, 1, 1)
    expected = label(mask, connectivity=2)
    assert count == expected.max()
    pairs = set(zip(labels.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == count + (mask == 0).any()


def test_components_touch_at_corners_and_across_planes():
    assert components(np.eye(4), 0.5, 1)[1] == 1
    volume = np.zeros((3, 4, 4))
    volume[0, 0, 0] = volume[1, 1, 1] = volume[1, 3, 3] = 1
    labels, count = components(volume, 0.5, 1)
    assert (count, labels.dtype, labels.shape) == (2, np.int32, volume.shape)
    assert labels[0, 0, 0] == labels[1, 1, 1] != labels[1, 3, 3]


def test_specks_are_left_out_and_leave_no_gap():
    mask = np.zeros((9, 9))
    mask[0, :2], mask[3, 3], mask[6:8, :4] = 1, 1, 1
    labels, count = components(mask, 0.5, 2)
    assert count == 2
    assert np.bincount(labels.ravel()).tolist() == [81 - 10, 2, 8]


def test_a_boundary_divides_what_touches():
    inside = discs((70, 70), CENTRES, 10)
    foreground = (inside > 0).astype(np.float32)
    edge = np.clip(1 - np.abs(inside - 1) / 2, 0, 1) * foreground
    assert components(foreground, 0.5, 12)[1] == 2
    labels, count = by_boundary(foreground, edge, 0.5, 12)
    assert count == 3
    assert len({labels[centre] for centre in CENTRES}) == 3
    assert np.array_equal(labels > 0, foreground > 0)


def test_a_faint_boundary_divides_nothing():
    foreground = np.zeros((40, 40), np.float32)
    foreground[10:30, 10:30] = 0.9
    noise = np.random.default_rng(0).uniform(0, 0.1, foreground.shape)
    assert by_boundary(foreground, noise, 0.5, 12)[1] == 1


def test_a_boundary_divides_volumes():
    inside = discs((20, 24, 40), [(10, 12, 10), (10, 12, 24)], 8)
    foreground = (inside > 0).astype(np.float32)
    edge = np.clip(1 - np.abs(inside - 1) / 2, 0, 1) * foreground
    labels, count = by_boundary(foreground, edge, 0.5, 12)
    assert count == 2
    assert labels[10, 12, 10] != labels[10, 12, 24]
    assert np.array_equal(labels > 0, foreground > 0)


@pytest.mark.parametrize("scale", [1.0, 0.1], ids=["pixels", "share of the radius"])
def test_distance_divides_what_touches(scale):
    distance = discs((70, 70), CENTRES, 10) * scale
    labels, count = by_distance((distance > 0).astype(float), distance, 0.5, 12)
    assert count == 3
    assert len({labels[centre] for centre in CENTRES}) == 3


def test_distance_in_pixels_is_that_of_a_distance_transform():
    mask = discs((70, 70), CENTRES, 10) > 0
    distance = ndimage.distance_transform_edt(mask)
    assert by_distance(mask, distance, 0.5, 12)[1] == 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float32])
def test_labels_are_numbered_without_gaps(dtype):
    given_labels = np.array([[0, 7, 7], [0, 3, 0], [90, 90, 0]], dtype)
    labels, count = numbered(given_labels, 1)
    assert (count, labels.dtype) == (3, np.int32)
    assert labels.tolist() == [[0, 2, 2], [0, 1, 0], [3, 3, 0]]
    assert numbered(given_labels, 2)[1] == 2


def test_labels_below_zero_are_background():
    labels, count = numbered(np.array([[-1, 5], [2, -1]]), 1)
    assert (labels.tolist(), count) == ([[0, 2], [1, 0]], 2)
    assert numbered(np.array([[4, 4]]), 1)[0].tolist() == [[1, 1]]


def test_classes_are_numbers_of_the_largest():
    maps = np.array([[[0.2, 0.9]], [[0.7, 0.05]], [[0.1, 0.05]]])
    assert classes(maps, 0.5).tolist() == [[1, 0]]
    assert classes(maps[:1], 0.5).tolist() == [[0, 1]]


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (2, 5, 7)])
def test_nothing_gives_no_objects(shape):
    nothing = np.zeros(shape, np.float32)
    found = [
        components(nothing, 0.5, 1),
        by_boundary(nothing, nothing, 0.5, 1),
        numbered(nothing, 1),
    ]
    if len(shape) == 2:
        found.append(by_distance(nothing, nothing, 0.5, 1))
    for labels, count in found:
        assert (count, labels.shape, labels.any()) == (0, shape, np.False_)
