"""Building pyramids of large planes, beside the requests; what was built is on disk for a while."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...errors import CytomillError, PermanentError, TemporaryError
from ..cache import own_folder
from .errors import NotYetError
from .geometry import CHUNK, Place
from .pyramid import Pyramid

#: Planes that are built at once.
_THREADS = 2

#: Seconds after which what nobody looks at is removed: its job may have been deleted.
_IDLE = 3600.0


@dataclass(frozen=True, slots=True)
class Buildable:
    """A pyramid of which planes can be built: ``reopen`` opens it anew, until the stack ends."""

    key: Hashable
    reopen: Callable[[ExitStack], Pyramid]


@dataclass(slots=True)
class _Plane:
    """What is known of a plane; in ``folder`` once it was begun."""

    source: Buildable
    place: tuple[int, int, int]
    folder: Path | None = None
    progress: float = 0.0
    bytes: int = 0
    used: float = 0.0
    error: Exception | None = None

    @property
    def name(self) -> tuple[Hashable, ...]:
        return self.source.key, *self.place

    @property
    def done(self) -> bool:
        return self.progress == 1.0


class Builder:
    """Builds planes below the folder ``top``, of up to ``limit_bytes``.

    Safe to use from several threads. What was longest unused goes where room is needed; what was
    asked for last is built first.
    """

    def __init__(self, top: Path, limit_bytes: int) -> None:
        self._top, self._limit = top, limit_bytes
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._lock_file = -1
        #: All planes that are known, the longest unused first; those that wait, the next one last.
        self._planes: OrderedDict[tuple[Hashable, ...], _Plane] = OrderedDict()
        self._waiting: OrderedDict[tuple[Hashable, ...], _Plane] = OrderedDict()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="pyramid")
        self._closed = threading.Event()

    def want(self, source: Buildable, t: int, c: int, z: int) -> float:
        """Have a plane built, if it is not; how much of it is, 0 to 1.

        Raises what building it raised.
        """
        with self._lock:
            return self._wanted(source, t, c, z).progress

    def chunk(self, source: Buildable, pyramid: Pyramid, place: Place) -> NDArray[Any]:
        """A chunk (y, x) as far as it is in its level, of a level that is built.

        Raises `NotYetError` where it is not there yet, and what building its plane raised.
        """
        with self._lock:
            plane = self._wanted(source, place.t, place.c, place.z)
        if plane.folder is not None:
            path = plane.folder / _name(place.level, place.row, place.column)
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                pass
            else:
                y, x = pyramid.geometry.rectangle(place)
                pixels = np.frombuffer(imagecodecs.zstd_decode(data), pyramid.dtype)
                return pixels.reshape(y.stop - y.start, x.stop - x.start)
        raise NotYetError(
            f"this level is being made: {plane.progress:.0%} of the plane is done; "
            "ask again in a moment"
        )

    def sweep(self) -> None:
        """Remove what nobody has looked at for long."""
        with self._lock:
            self._make_room(self._limit, before=time.monotonic() - _IDLE)

    def close(self) -> None:
        """Build nothing more, and remove what was built."""
        self._closed.set()
        self._threads.shutdown(cancel_futures=True)
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                os.close(self._lock_file)
                self._folder = None

    def _wanted(self, source: Buildable, t: int, c: int, z: int) -> _Plane:
        """What is known of a plane, which waits or is built from now on; under the lock."""
        name = (source.key, t, c, z)
        plane = self._planes.get(name)
        if plane is not None and plane.error is not None:
            if not isinstance(plane.error, PermanentError):
                del self._planes[name]  # another try may go better
            raise plane.error
        if plane is None:
            plane = self._planes[name] = self._waiting[name] = _Plane(source, (t, c, z))
            self._threads.submit(self._work)
        plane.used = time.monotonic()
        self._planes.move_to_end(name)
        if name in self._waiting:
            self._waiting.move_to_end(name)
        return plane

    def _work(self) -> None:
        """Build the next plane, and others of its file that wait while that is open."""
        with self._lock:
            if not self._waiting:
                return
            _, plane = self._waiting.popitem()
        try:
            with ExitStack() as stack:
                pyramid = plane.source.reopen(stack)
                following: _Plane | None = plane
                while following is not None:
                    plane = following
                    self._build(pyramid, plane)
                    following = self._next(plane.source.key)
        except Exception as error:  # told those who ask
            self._failed(plane, error)

    def _next(self, key: Hashable) -> _Plane | None:
        with self._lock:
            name = next((one for one in reversed(self._waiting) if one[0] == key), None)
            return None if name is None else self._waiting.pop(name)

    def _failed(self, plane: _Plane, error: Exception) -> None:
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            told = "its disk is full" if full else error.strerror
            error = TemporaryError(f"the kiosk could not make this level: {told}")
        with self._lock:
            plane.error = error if isinstance(error, CytomillError) else TemporaryError(str(error))
            self._remove(plane)

    def _build(self, pyramid: Pyramid, plane: _Plane) -> None:
        with self._lock:
            self._make_room(self._limit - _estimate(pyramid))
            folder = Path(self._own(), f"{id(plane):x}-{len(self._planes)}")
        folder.mkdir()
        plane.folder = folder
        assert pyramid.first is not None
        levels = _Levels(pyramid, plane, pyramid.first)
        rows = pyramid.geometry.chunks(pyramid.first)[0]
        for row, pixels in pyramid.rows(*plane.place):
            if self._closed.is_set():
                raise TemporaryError("the kiosk is being stopped")
            levels.add(pyramid.first, row, pixels)
            plane.progress = min((row + 1) / rows, 0.99)
        plane.progress = 1.0

    def _own(self) -> Path:
        """This process's folder, made when it is needed; under the lock."""
        if self._folder is None:
            self._folder, self._lock_file = own_folder(self._top)
        return self._folder

    def _make_room(self, limit: int, before: float = 0.0) -> None:
        """Remove what was longest unused until the rest has at most ``limit`` bytes.

        What was last used at a time ``before`` this goes in any case.
        """
        held = sum(plane.bytes for plane in self._planes.values())
        for plane in list(self._planes.values()):
            if held <= limit and plane.used >= before:
                return
            if plane.done:
                del self._planes[plane.name]
                self._remove(plane)
                held -= plane.bytes

    def _remove(self, plane: _Plane) -> None:
        if plane.folder is not None:
            shutil.rmtree(plane.folder, ignore_errors=True)


class _Levels:
    """Writes the levels of a plane from rows of chunks of the finest, in the memory of a few."""

    def __init__(self, pyramid: Pyramid, plane: _Plane, first: int) -> None:
        self._pyramid, self._plane = pyramid, plane
        self._halves: dict[int, list[NDArray[Any]]] = {}

    def add(self, level: int, row: int, pixels: NDArray[Any]) -> None:
        """A row of chunks of ``level``; they come from the top."""
        for column, left in enumerate(range(0, pixels.shape[1], CHUNK)):
            self._write(level, row, column, pixels[:, left : left + CHUNK])
        if level + 1 == len(self._pyramid.geometry.levels):
            return
        halves = self._halves.setdefault(level + 1, [])
        halves.append(self._pyramid.halve(pixels, 1))
        if row % 2 or row + 1 == self._pyramid.geometry.chunks(level)[0]:
            del self._halves[level + 1]
            self.add(level + 1, row // 2, np.concatenate(halves))

    def _write(self, level: int, row: int, column: int, pixels: NDArray[Any]) -> None:
        data = imagecodecs.zstd_encode(pixels.tobytes(), level=1)
        assert self._plane.folder is not None
        path = self._plane.folder / _name(level, row, column)
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.rename(path)
        self._plane.bytes += len(data)


def _name(level: int, row: int, column: int) -> str:
    return f"{level}-{row}-{column}"


def _estimate(pyramid: Pyramid) -> int:
    """Bytes that a plane may take at most."""
    assert pyramid.first is not None
    levels = pyramid.geometry.levels[pyramid.first :]
    return sum(height * width for height, width in levels) * pyramid.dtype.itemsize
