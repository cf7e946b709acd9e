"""Where the labels of an image are put together: in memory, or on disk for large images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ops.grid import Box
from ..ops.stitch import paste

#: Labels of more pixels than this go to disk: 2^26 of them take 256 MiB.
IN_MEMORY = 2**26

#: Largest number of objects whose ids fit 16 bits.
SMALL = np.iinfo(np.uint16).max

_CHUNK = 1024


class Stack:
    """Labels of an image, (t, z, y, x), uint16 or uint32; read by slices, like an array."""

    def __init__(self, data: Any, count: int) -> None:
        self._data = data
        self.dtype: np.dtype[Any] = np.dtype(np.uint16 if count <= SMALL else np.uint32)
        self.shape: tuple[int, int, int, int] = tuple(data.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.asarray(self._data[index]).astype(self.dtype, copy=False)


class Canvas:
    """Takes the labels of parts, renumbers them so that ids are unique in the image.

    Ids that mean the same on every part, such as those of classes, are not ``numbered``.
    """

    def __init__(
        self, shape: tuple[int, int, int, int], scratch: Path, *, numbered: bool = True
    ) -> None:
        #: The largest id.
        self.count = 0
        self._numbered = numbered
        self._data: Any
        if np.prod(shape) <= IN_MEMORY:
            self._data = np.zeros(shape, np.uint32)
        else:
            import zarr  # takes 0.4 s, which only those who have large images should wait for
            from zarr.codecs import BloscCodec

            self._data = zarr.create_array(
                store=str(scratch / "labels.zarr"),
                shape=shape,
                chunks=(1, 1, min(_CHUNK, shape[2]), min(_CHUNK, shape[3])),
                dtype=np.uint32,
                compressors=BloscCodec(cname="lz4", clevel=1),
                fill_value=0,
            )

    def paste(self, t: int, z: int, box: Box, labels: NDArray[Any] | None, count: int) -> int:
        """Add ids 1..``count`` of ``labels`` at ``box``; returns what was added to each id.

        ``labels`` are (y, x), or (t, z, y, x) from the time ``t`` and the plane ``z`` on. Pixels
        that an earlier part took stay as they are: parts come in a fixed order, so the same image
        gives the same labels.
        """
        offset = self.count if self._numbered else 0
        self.count = max(self.count, offset + count)
        if count and labels is not None:
            stack = labels if labels.ndim == 4 else labels[None, None]
            for frame, depth in np.ndindex(stack.shape[:2]):
                index = (t + frame, z + depth, *box.slices)
                there = self._data[index]  # of an array a view, of a file a copy
                paste(there, stack[frame, depth], offset)
                if not isinstance(self._data, np.ndarray):
                    self._data[index] = there
        return offset

    @property
    def data(self) -> Any:
        """The labels so far, (t, z, y, x) uint32, read and written by slices."""
        return self._data

    def finish(self) -> Stack:
        """The labels; the canvas takes no more."""
        return Stack(self._data, self.count)
