"""Levels and chunks: each pixel is in one chunk, each chunk has one address."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.kiosk.view.geometry import CHUNK, Geometry, Place

EDGES = st.integers(1, 60_000)
FEW = st.integers(1, 40)


@given(EDGES, EDGES)
def test_levels_are_halved_until_one_fits_into_a_chunk(height, width):
    levels = Geometry((1, 1, 1, height, width)).levels
    assert levels[0] == (height, width)
    assert max(levels[-1]) <= CHUNK
    assert all(max(level) > CHUNK for level in levels[:-1])
    for finer, coarser in pairwise(levels):
        for before, after in zip(finer, coarser, strict=True):
            assert 2 * after - before in (0, 1)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_chunks_cover_each_level_once(height, width):
    geometry = Geometry((1, 1, 1, height, width))
    for level, size in enumerate(geometry.levels):
        seen = np.zeros(size, np.uint8)
        rows, columns = geometry.chunks(level)
        for row in range(rows):
            for column in range(columns):
                rectangle = geometry.rectangle(Place(level, 0, 0, 0, row, column))
                assert 0 < seen[rectangle].size <= CHUNK**2
                seen[rectangle] += 1
        assert (seen == 1).all()


@given(FEW, FEW, FEW, EDGES, EDGES, st.data())
def test_every_chunk_has_an_address(t, c, z, height, width, data):
    geometry = Geometry((t, c, z, height, width))
    level = data.draw(st.integers(0, len(geometry.levels) - 1))
    most = (t, c, z, *geometry.chunks(level))
    rest = [data.draw(st.integers(0, end - 1)) for end in most]
    place = Place(level, *rest)
    assert geometry.place("/".join(map(str, (level, *rest)))) == place
    beyond = data.draw(st.integers(0, 4))
    rest[beyond] = most[beyond]
    assert geometry.place("/".join(map(str, (level, *rest)))) is None


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "0", "0/0/0/0/0", "0/0/0/0/0/0/0", "00/0/0/0/0/0", "0/0/0/0/0/-1", "0/0/0/0/0/+0",
        "0/0/0/0/0/ 0", "0/0/0/0/0/0.0", "0/0/0/0/0/１", "../0/0/0/0/0", "0/0/0/0/0/..",
        "2/0/0/0/0/0", "0/0/0/0/0/99999999999999999999", "/0/0/0/0/0/0", "0/0/0/0/0/0/",
    ],
)  # fmt: skip
def test_what_is_no_chunk_has_no_place(key):
    assert Geometry((1, 1, 1, 1000, 1000)).place(key) is None
