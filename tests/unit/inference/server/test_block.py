from __future__ import annotations

import gc
import os
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cytomill.inference.server.block import Block, measure, view, write

DTYPES = st.sampled_from(["?", "u1", "<u2", ">u2", "i4", "i8", "f2", "f4", "f8"])
ARRAYS = DTYPES.flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0))
)


@given(st.lists(ARRAYS, max_size=5))
def test_what_is_written_is_read_on_the_other_side(given_arrays):
    tensors = {str(number): [array] for number, array in enumerate(given_arrays)}
    block, fd = Block.create(measure(given_arrays))
    places = write(block, tensors)
    other = Block.attach(fd, block.size).bytes()
    for place, array in zip(places, given_arrays, strict=True):
        found = view(other, place)
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        assert found.tobytes() == array.tobytes()
        assert not found.flags.writeable


def test_arrays_of_any_layout_are_written():
    array = np.arange(24).reshape(4, 6)[::2, ::-1].T
    block, fd = Block.create(array.nbytes)
    os.close(fd)
    (place,) = write(block, {"x": [array]})
    assert np.array_equal(view(block.bytes(), place), array)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_pieces_are_joined_along_the_first_axis(rows):
    pieces = [np.full((count, 3), number, np.int32) for number, count in enumerate(rows)]
    block, fd = Block.create(measure(pieces))
    os.close(fd)
    (place,) = write(block, {"x": pieces})
    assert np.array_equal(view(block.bytes(), place), np.concatenate(pieces))


def test_arrays_begin_where_processors_like_to_read():
    tensors = {name: [np.zeros(size, np.uint8)] for name, size in (("a", 1), ("b", 65), ("c", 3))}
    block, fd = Block.create(1000)
    os.close(fd)
    assert [place[3] for place in write(block, tensors)] == [0, 64, 192]


def test_the_size_cannot_be_changed_under_the_other_side():
    _, fd = Block.create(1)
    for size in (1, 2**30):
        with pytest.raises(PermissionError):
            os.ftruncate(fd, size)
    os.close(fd)


def test_a_block_of_another_size_than_said_is_refused_and_its_descriptor_closed():
    block, fd = Block.create(1)
    with pytest.raises(ValueError, match="was said to have"):
        Block.attach(fd, 2 * block.size)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_block_that_may_shrink_is_refused():
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 4096)
    with pytest.raises(ValueError, match="was said to have"):
        Block.attach(fd, 4096)


@pytest.mark.parametrize(
    "place",
    [
        ("x", "f4", (2**18 + 1,), 0),
        ("x", "u1", (1,), 2**20),
        ("x", "u1", (-1,), 0),
        ("x", "u1", (1,), -1),
        ("x", "O", (1,), 0),
        ("x", "f4", (2**62, 4), 0),
    ],
)
def test_a_place_outside_the_block_is_refused(place):
    block, fd = Block.create(1)
    os.close(fd)
    assert block.size == 2**20
    with pytest.raises(ValueError, match="array"):
        view(block.bytes(), place)


def test_a_view_of_any_depth_keeps_the_memory():
    """It is by the death of this array that the server knows that nobody reads a block."""
    block, fd = Block.create(100)
    os.close(fd)
    memory = block.bytes()
    died = weakref.ref(memory)
    found = view(memory, ("x", "f4", (5, 5), 0))[1:].T[::2].reshape(-1)[:2]
    deep = memoryview(view(memory, ("x", "f4", (5, 5), 0))[2:])
    del memory
    gc.collect()
    assert died() is not None
    del found
    assert died() is not None
    del deep
    assert died() is None


def test_what_is_discarded_is_gone_for_both_sides():
    block, fd = Block.create(100)
    other = Block.attach(fd, block.size).bytes()
    (place,) = write(block, {"x": [np.ones(100, np.uint8)]})
    assert view(other, place).all()
    block.discard()
    assert not view(other, place).any()
