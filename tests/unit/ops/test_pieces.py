from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.measure import label as numbered

from cytomill.ops.pieces import pieces

KINDS = [np.uint8, np.uint16, np.int32, np.uint32, np.int64]


@settings(deadline=None)  # the first call compiles
@given(
    arrays.arrays(
        st.sampled_from(KINDS),
        st.tuples(st.integers(0, 12), st.integers(0, 12)),
        elements=st.integers(0, 3),
    )
)
def test_pieces_of_equal_pixels_are_those_of_scikit_image(labels):
    found, count = pieces(labels)
    assert (found.dtype, found.shape) == (np.int32, labels.shape)
    if labels.size:
        expected, number = numbered(labels, connectivity=2, return_num=True, background=0)
        assert count == number
        np.testing.assert_array_equal(found, expected)
    else:
        assert count == 0


def test_a_spiral_is_one_piece_and_what_it_winds_around_another():
    spiral = np.array(
        [
            [1, 1, 1, 1, 1, 1, 1],
            [0, 0, 0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1, 0, 1],
            [1, 0, 0, 0, 1, 0, 1],
            [1, 0, 2, 0, 1, 0, 1],
            [1, 0, 1, 1, 1, 0, 1],
            [1, 0, 0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1, 1, 1],
        ]
    )
    found, count = pieces(spiral)
    assert count == 2
    np.testing.assert_array_equal(found, spiral)


def test_views_and_large_numbers_are_read_as_they_are():
    labels = np.zeros((6, 8), np.uint64)
    labels[:, 1], labels[:, 3], labels[:, 5] = 2**63 + 5, 1, 2**32 + 1
    found, count = pieces(labels[::2, ::-1])
    assert count == 3
    assert found[0].tolist() == [0, 0, 1, 0, 2, 0, 3, 0]
