"""Rectangles of the planes of a TIFF file, read without what lies around them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import reading
from .reduced import Reduced
from .tiff_layout import Layout

#: Values of the tag Compression whose segments share tables that are stored apart.
_JPEG = (6, 7, 34892, 33007)

_hushed: ContextVar[bool] = ContextVar("hushed", default=False)

# What tifffile logs of a file is told to the user as an `InputError` where it matters. Its log
# stays as it is for programs that use tifffile themselves.
logging.getLogger("tifffile").addFilter(lambda record: not _hushed.get())


@contextmanager
def hushed() -> Iterator[None]:
    """Silence tifffile's log within the block."""
    token = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(token)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Silence tifffile, and turn what it raises into an `InputError` about ``path``."""
    with hushed(), reading(path):
        yield


def cut_short(path: Path) -> InputError:
    """The error of a file whose end is missing."""
    return InputError(path, "is cut short: its end is missing", "copy or export it again")


class PageSource:
    """A `PixelSource` over one series of an open ``tifffile.TiffFile``.

    Uncompressed planes are read row by row, others by the strips and tiles that a rectangle
    touches. Files are read by position, so that threads do not disturb each other; ``lock`` is
    one for all series of a file, for what tifffile itself reads late. Values are as stored:
    neither colour maps nor an inverted scale are applied.
    """

    def __init__(
        self,
        path: Path,
        tif: Any,
        series: Any,
        layout: Layout,
        dtype: np.dtype[Any],
        lock: threading.Lock,
        reduced: Sequence[Reduced] = (),
    ) -> None:
        #: The smaller copies in the file.
        self.reduced = reduced
        self._path, self._tif, self._series = path, tif, series
        self._layout, self._dtype, self._lock = layout, dtype, lock
        self._page_bytes = int(series.keyframe.nbytes)
        #: The offset of the first plane where all follow each other in the file, else None.
        self._start: int | None = first_offset(series)

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        """One plane, or the rectangle of it given by ``y`` and ``x``."""
        index, sample = self._layout.locate(t, c, z)
        height, width = self._layout.shape[3:]
        rows, columns = range(height)[y], range(width)[x]
        if rows.step != 1 or columns.step != 1:
            raise ValueError("a rectangle has no steps")
        if not rows or not columns:
            return np.empty((len(rows), len(columns)), self._dtype)
        with decoding(self._path):
            if self._start is not None:
                offset = self._start + index * self._page_bytes
                return self._contiguous(self._tif, offset, sample, rows, columns)
            with self._lock:
                page = self._series[index]
            if page is None:
                raise InputError(
                    self._path, f"lacks the plane t={t}, c={c}, z={z}", "copy all files of its set"
                )
            if page.is_final and _follow(page.dataoffsets, page.databytecounts):
                offset = int(page.dataoffsets[0])
                return self._contiguous(page.parent, offset, sample, rows, columns)
            return self._segments(page, sample, rows, columns)

    @property
    def grain(self) -> tuple[int, int]:
        """See `Grained`; a pixel where nothing is compressed."""
        keyframe = self._series.keyframe
        if self._start is not None or keyframe.compression == 1:
            return 1, 1
        return _segment(keyframe)

    def close(self) -> None:
        """Close the file."""
        self._tif.close()

    def _contiguous(
        self, tif: Any, offset: int, sample: int, rows: range, columns: range
    ) -> NDArray[Any]:
        """A rectangle of a plane whose rows follow each other from ``offset`` in the file."""
        separate, _, height, width, samples = self._series.keyframe.shaped
        if separate > 1:
            offset += sample * height * width * self._dtype.itemsize
            sample = 0
        stored = self._dtype.newbyteorder(tif.byteorder)
        pixel = samples * stored.itemsize
        out = np.empty((len(rows), len(columns), samples), stored)
        start = offset + rows.start * width * pixel
        with self._descriptor(tif) as file:
            if len(columns) == width:
                self._fill(file, out, start)
            else:
                start += columns.start * pixel
                for number, row in enumerate(out):
                    self._fill(file, row, start + number * width * pixel)
        return np.ascontiguousarray(out[..., sample], self._dtype)

    def _segments(self, page: Any, sample: int, rows: range, columns: range) -> NDArray[Any]:
        """A rectangle of a plane, pasted from the strips or tiles it touches."""
        keyframe = page.keyframe
        separate, _, height, width, _ = keyframe.shaped
        high, wide = _segment(keyframe)
        down, across = -(-height // high), -(-width // wide)
        plane = sample * down * across if separate > 1 else 0
        sample = 0 if separate > 1 else sample
        with self._lock:
            decode = keyframe.decode
            tables: dict[str, Any] = {}
            if keyframe.compression in _JPEG:
                tables = {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}
        out = np.zeros((len(rows), len(columns)), self._dtype)
        with self._descriptor(page.parent) as file:
            for down_index in range(rows.start // high, (rows.stop - 1) // high + 1):
                for across_index in range(columns.start // wide, (columns.stop - 1) // wide + 1):
                    index = plane + down_index * across + across_index
                    count = int(page.databytecounts[index])
                    if count == 0:  # a tile that was never written is background
                        continue
                    data = self._bytes(file, int(page.dataoffsets[index]), count)
                    segment = decode(data, index, **tables)[0]
                    top, left = down_index * high, across_index * wide
                    _paste(out, segment[0, :, :, sample], top - rows.start, left - columns.start)
        return out

    @contextmanager
    def _descriptor(self, tif: Any) -> Iterator[int]:
        """A descriptor of the file itself, or of another file of its set."""
        if tif is self._tif:
            if tif.filehandle.closed:
                raise InputError(self._path, "is closed")
            yield tif.filehandle.fileno()
            return
        file = os.open(tif.filehandle.path, os.O_RDONLY)
        try:
            yield file
        finally:
            os.close(file)

    def _fill(self, file: int, array: NDArray[Any], offset: int) -> None:
        """Fill a contiguous array from ``offset``; a system reads at most 2 GiB at once."""
        view = array.reshape(-1).view(np.uint8).data
        while view:
            count = os.preadv(file, [view], offset)
            if count == 0:
                raise cut_short(self._path)
            view, offset = view[count:], offset + count

    def _bytes(self, file: int, offset: int, count: int) -> bytes:
        """``count`` bytes from ``offset``."""
        if offset + count > os.fstat(file).st_size:
            raise cut_short(self._path)
        if len(data := os.pread(file, count, offset)) == count:
            return data
        buffer = np.empty(count, np.uint8)
        self._fill(file, buffer, offset)
        return buffer.tobytes()


def first_offset(series: Any) -> int | None:
    """The offset of a series' first plane where all follow each other uncompressed, else None."""
    if series.is_multifile or not series.keyframe.is_final or series.dataoffset is None:
        return None
    return int(series.dataoffset)


def _segment(keyframe: Any) -> tuple[int, int]:
    """Height and width of the tiles or strips of a page."""
    if keyframe.is_tiled:
        return int(keyframe.tilelength), int(keyframe.tilewidth)
    _, _, height, width, _ = keyframe.shaped
    return int(min(keyframe.rowsperstrip, height)), int(width)


def _follow(offsets: Any, counts: Any) -> bool:
    """Whether every segment begins where the one before it ends."""
    if len(offsets) < 2:
        return len(offsets) == 1
    starts, sizes = np.asarray(offsets, np.int64), np.asarray(counts, np.int64)
    return bool((starts[:-1] + sizes[:-1] == starts[1:]).all())


def _paste(out: NDArray[Any], piece: NDArray[Any], top: int, left: int) -> None:
    """Copy what overlaps of ``piece``, its corner at (``top``, ``left``) of ``out``."""
    y0, x0 = max(top, 0), max(left, 0)
    y1 = min(top + piece.shape[0], out.shape[0])
    x1 = min(left + piece.shape[1], out.shape[1])
    out[y0:y1, x0:x1] = piece[y0 - top : y1 - top, x0 - left : x1 - left]
