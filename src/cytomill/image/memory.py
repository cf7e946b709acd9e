"""Images that can only be read whole: decoded on the first read and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import reading

#: Bytes of pixels that are held in memory at most: above any camera's frame or movie, below what
#: would bring a laptop down.
_MOST = 4 * 2**30


class WholeSource:
    """A `PixelSource` over an array that ``decode`` makes when it is first needed.

    ``decode`` gives the axes T, C, Z, Y, X in ``shape``; it is called once. Raises `InputError`
    at once where the array would be too large to hold.
    """

    def __init__(
        self,
        subject: object,
        decode: Callable[[], NDArray[Any]],
        shape: tuple[int, int, int, int, int],
        dtype: np.dtype[Any],
    ) -> None:
        if float(np.prod(shape, dtype=float)) * dtype.itemsize > _MOST:
            raise InputError(
                subject,
                "is too large for its format, which cannot be read in pieces",
                "convert it to a tiled OME-TIFF or to OME-Zarr",
            )
        self._subject, self._shape, self._dtype = subject, shape, dtype
        self._decode: Callable[[], NDArray[Any]] | None = decode
        self._array: NDArray[Any] | None = None
        self._lock = threading.Lock()

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """One plane, or the rectangle of it given by ``y`` and ``x``."""
        return self._whole()[t, c, z, y, x].copy()

    @property
    def grain(self) -> tuple[int, int]:
        """See `Grained`: the whole plane, and all others with it."""
        return self._shape[3:]

    def close(self) -> None:
        """Let the array go."""
        self._array = self._decode = None

    def _whole(self) -> NDArray[Any]:
        with self._lock, reading(self._subject):
            if self._array is None:
                if self._decode is None:
                    raise InputError(self._subject, "is closed")
                array = self._decode()
                if array.shape != self._shape:
                    raise InputError(
                        self._subject,
                        f"holds {array.shape} where its header says {self._shape}",
                        "it may be damaged: copy or export it again",
                    )
                self._array = array.astype(self._dtype, copy=False)
            return self._array
