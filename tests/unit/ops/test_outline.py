from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries

from cytomill.ops.outline import Polygon, boundaries, polygons

label_images = arrays(
    np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 2)
)


def area(ring: NDArray[np.int32]) -> float:
    x, y = ring.astype(float).T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def filled(outline: list[Polygon], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose centre an odd number of vertical edges of the outline lies to the left of."""
    crossings = np.zeros(shape, int)
    for ring in (ring for polygon in outline for ring in polygon):
        for (x, y), (next_x, next_y) in itertools.pairwise(ring):
            if x == next_x:
                crossings[min(y, next_y) : max(y, next_y), x:] += 1
    return crossings % 2 == 1


@given(label_images)
@settings(deadline=None)  # the first example compiles
def test_boundaries_are_the_inner_ones_of_scikit_image(labels: NDArray[np.uint16]) -> None:
    expected = find_boundaries(labels, connectivity=1, mode="inner")
    np.testing.assert_array_equal(boundaries(labels), expected)


@given(label_images)
@settings(deadline=None)  # the first example compiles
def test_polygons_cover_exactly_the_pixels_of_their_object(labels: NDArray[np.uint16]) -> None:
    found = dict(polygons(labels))
    assert list(found) == [label for label in np.unique(labels).tolist() if label]
    for label, outline in found.items():
        np.testing.assert_array_equal(filled(outline, labels.shape), labels == label)
        assert sum(area(ring) for polygon in outline for ring in polygon) == (labels == label).sum()


@given(label_images)
@settings(deadline=None)  # the first example compiles
def test_each_piece_is_one_polygon_with_its_own_holes(labels: NDArray[np.uint16]) -> None:
    for label, outline in polygons(labels):
        pieces, count = ndimage.label(labels == label)
        sizes = ndimage.sum_labels(labels == label, pieces, range(1, count + 1))
        areas = [sum(area(ring) for ring in polygon) for polygon in outline]
        assert sorted(areas) == sorted(sizes)


@given(label_images)
@settings(deadline=None)  # the first example compiles
def test_rings_are_closed_wound_and_simple_with_corners_only(labels: NDArray[np.uint16]) -> None:
    for _, outline in polygons(labels):
        for outer, *holes in outline:
            assert area(outer) > 0
            assert all(area(hole) < 0 for hole in holes)
            for ring in (outer, *holes):
                points = [tuple(point) for point in ring.tolist()]
                assert points[0] == points[-1]
                assert len(set(points)) == len(points) - 1
                steps = np.diff(ring, axis=0)
                assert ((steps == 0).sum(axis=1) == 1).all()
                assert not (steps * np.roll(steps, 1, axis=0)).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int64])
def test_a_ring_of_pixels_has_a_hole(dtype: Any) -> None:
    labels = np.full((3, 3), 7, dtype)
    labels[1, 1] = 0
    [(label, [[outer, hole]])] = polygons(labels)
    assert label == 7
    assert outer.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]
    assert {tuple(point) for point in hole.tolist()} == {(1, 1), (1, 2), (2, 2), (2, 1)}


def test_background_has_no_polygon() -> None:
    assert list(polygons(np.zeros((3, 4), np.uint16))) == []
