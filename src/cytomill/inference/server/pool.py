"""The blocks that one side of a link created, for use again and again."""

from __future__ import annotations

from itertools import count
from threading import Lock

from .block import Block

#: Bytes of the largest block that is kept once it is free. Making a larger one costs little beside
#: what is computed from it, and keeping it for the next large image might be for ever.
LARGEST_KEPT = 64 * 2**20


class Pool:
    """Blocks by number; safe to use from several threads.

    The other side maps a block when it is first told of it, and forgets it when its number is among
    those ``gone``, or at once when it is done with a block above `LARGEST_KEPT`.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._free: dict[int, Block] = {}
        self._gone: list[int] = []
        self._numbers = count()
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Bytes of all blocks."""
        with self._lock:
            return sum(block.size for block in self._blocks.values())

    def take(self, size: int) -> tuple[int, Block, int | None]:
        """The number of a block of at least ``size`` bytes, and the block.

        The third is the descriptor of a new block, for the other side: whoever takes it sends it
        and closes it, or calls `drop`. Raises `OSError` where there is no memory for one.
        """
        with self._lock:
            fitting = [n for n, block in self._free.items() if block.size >= size]
            if fitting:
                number = min(fitting, key=lambda n: self._free[n].size)
                return number, self._free.pop(number), None
            if self._free:  # it was too small for this one, and may be for those that follow
                self._forget(max(self._free, key=lambda n: self._free[n].size))
            block, fd = Block.create(size)
            number = next(self._numbers)
            self._blocks[number] = block
            return number, block, fd

    def give(self, number: int) -> None:
        """Take back a block that nobody reads any more."""
        with self._lock:
            block = self._blocks[number]
            if block.size > LARGEST_KEPT:
                del self._blocks[number]
                block.discard()
            else:
                self._free[number] = block

    def drop(self, number: int) -> None:
        """Give up a block that was taken and that the other side was never told of."""
        with self._lock:
            self._blocks.pop(number).discard()

    def gone(self) -> list[int]:
        """The numbers of blocks that were given up since the last call."""
        with self._lock:
            gone, self._gone = self._gone, []
            return gone

    def _forget(self, number: int) -> None:
        self._free.pop(number).discard()
        del self._blocks[number]
        self._gone.append(number)
