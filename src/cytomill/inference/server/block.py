"""Memory that the server and a worker share: tensors travel in it."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bytes at whose multiples arrays begin: runtimes read aligned arrays where they lie.
_ALIGNMENT = 64

#: Blocks come in multiples of this many bytes, so that inputs of about one size share them.
_GRAIN = 2**20

# Neither side can change the size again: the other, which has it mapped, would be killed by the
# kernel for reading beyond the end.
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL

#: Where an array lies in a block: name, dtype as NumPy writes it, shape, offset in bytes.
Place = tuple[str, str, Sequence[int], int]


class Block:
    """A piece of anonymous memory: it has no name that could outlive the processes that map it."""

    def __init__(self, fd: int, size: int, *, writable: bool) -> None:
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        self.size = size
        self._memory = mmap.mmap(fd, size, mmap.MAP_SHARED, protection)

    @classmethod
    def create(cls, size: int) -> tuple[Block, int]:
        """A writable block of at least ``size`` bytes, and the descriptor to send and close.

        Raises `OSError` where there is no memory for it.
        """
        size = max(1, -(-size // _GRAIN)) * _GRAIN
        fd = os.memfd_create("cytomill", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, size)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
            return cls(fd, size, writable=True), fd
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def attach(cls, fd: int, size: int, *, writable: bool = False) -> Block:
        """The block that the other side created; the descriptor is closed.

        Raises `ValueError` where it is not of ``size`` bytes for good.
        """
        try:
            sealed = fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS == _SEALS
            if not sealed or os.fstat(fd).st_size != size:
                raise ValueError(f"a block of {os.fstat(fd).st_size} bytes was said to have {size}")
            return cls(fd, size, writable=writable)
        finally:
            os.close(fd)

    def bytes(self) -> NDArray[np.uint8]:
        """All of it; the mapping lives as long as this array and its views."""
        return np.frombuffer(self._memory, np.uint8)

    def discard(self) -> None:
        """Give the memory back although others may still map it; they read zeros. The creator's."""
        self._memory.madvise(mmap.MADV_REMOVE)


def measure(arrays: Iterable[NDArray[Any]]) -> int:
    """Bytes that a block needs for ``arrays``; pieces of one array need no more than apart."""
    return sum(_aligned(array.nbytes) for array in arrays)


def write(block: Block, tensors: Mapping[str, Sequence[NDArray[Any]]]) -> list[Place]:
    """Copy arrays into ``block`` and say where they are.

    Each is given in pieces, which are joined along the first axis; one piece may have any shape.
    """
    places: list[Place] = []
    memory, offset = block.bytes(), 0
    for name, pieces in tensors.items():
        first = pieces[0]
        shape = first.shape
        if len(pieces) > 1:
            shape = (sum(len(piece) for piece in pieces), *shape[1:])
        place = (name, first.dtype.str, shape, offset)
        joined, row = view(memory, place), 0
        if len(pieces) == 1:
            joined[...] = first
        else:
            for piece in pieces:
                joined[row : row + len(piece)] = piece
                row += len(piece)
        places.append(place)
        offset += _aligned(joined.nbytes)
    return places


def view(memory: NDArray[np.uint8], place: Place) -> NDArray[Any]:
    """The array at ``place``; raises `ValueError` for one that is not inside."""
    _, kind, shape, offset = place
    dtype = np.dtype(kind)
    if dtype.hasobject or min(shape, default=1) < 0 or offset < 0:
        raise ValueError(f"no array of {dtype} and shape {tuple(shape)} can be shared")
    size = dtype.itemsize
    for length in shape:
        size *= length
    if offset + size > memory.size:
        raise ValueError(f"an array of {size} bytes at {offset} is beyond {memory.size} bytes")
    return memory[offset : offset + size].view(dtype).reshape(shape)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
