from __future__ import annotations

import os

from cytomill.inference.server.block import Block
from cytomill.inference.server.pool import LARGEST_KEPT, Pool

MIB = 2**20


def take(pool, size):
    number, block, fd = pool.take(size)
    if fd is not None:
        os.close(fd)
    assert isinstance(block, Block)
    assert block.size >= size
    return number, fd is not None


def test_a_block_is_used_again():
    pool = Pool()
    one, new = take(pool, 100)
    assert new
    pool.give(one)
    assert take(pool, 50) == (one, False)


def test_a_block_in_use_is_not_given_to_another():
    pool = Pool()
    assert len({take(pool, 1)[0] for _ in range(5)}) == 5


def test_the_smallest_that_fits_is_taken():
    pool = Pool()
    numbers = [take(pool, size * MIB)[0] for size in (4, 2, 8)]
    for number in numbers:
        pool.give(number)
    assert take(pool, 2 * MIB) == (numbers[1], False)


def test_blocks_that_are_too_small_make_way():
    pool = Pool()
    small, _ = take(pool, MIB)
    pool.give(small)
    large, new = take(pool, 2 * MIB)
    assert new
    assert large != small
    assert pool.gone() == [small]
    assert pool.gone() == []
    assert pool.size == 2 * MIB


def test_a_large_block_is_not_kept():
    pool = Pool()
    number, _ = take(pool, LARGEST_KEPT + 1)
    pool.give(number)
    assert pool.size == 0
    assert pool.gone() == []
    assert take(pool, 1) != (number, False)


def test_a_block_that_the_other_side_never_heard_of_is_given_up():
    pool = Pool()
    number, _ = take(pool, 1)
    pool.drop(number)
    assert pool.size == 0
    assert take(pool, 1)[1]
