"""The shared-memory extension: tensors in regions of /dev/shm that a client made.

Regions are read and written as files and never mapped: a client that shortens its region while it
is in use would kill a server that had it mapped.
"""

from __future__ import annotations

import os
import stat
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .request import Code, ServerError

_FOLDER = Path("/dev/shm")

#: Each region holds a file open: above this a client has forgotten to unregister them.
_MOST_REGIONS = 512


@dataclass(frozen=True, slots=True)
class Place:
    """Part of a region: where an input lies or an output belongs, in bytes."""

    region: str
    offset: int
    size: int


class Region:
    """``size`` bytes from ``offset`` on of the shared memory ``key``. Closed when out of use."""

    def __init__(self, name: str, key: str, offset: int, size: int) -> None:
        self.name, self.key, self.offset, self.size = name, key, offset, size
        self._file = _open(key)
        whole = os.fstat(self._file).st_size
        if offset < 0 or not 0 < size <= whole - offset:
            os.close(self._file)
            raise _bad(
                f"shared memory {key!r} has {whole} bytes; {size} from byte {offset} on are not "
                "within it"
            )
        weakref.finalize(self, os.close, self._file)

    def read(self, offset: int, size: int) -> memoryview:
        """A copy of ``size`` bytes, from ``offset`` bytes into the region on."""
        self._check(offset, size)
        view, done = np.empty(size, np.uint8).data, 0
        while done < size:
            step = os.preadv(self._file, [view[done:]], self.offset + offset + done)
            if not step:
                raise _bad(f"shared memory region {self.name!r} has become smaller than it was")
            done += step
        return view

    def write(self, offset: int, data: memoryview) -> None:
        """Put ``data`` at ``offset`` bytes into the region."""
        self._check(offset, len(data))
        if os.fstat(self._file).st_size < self.offset + offset + len(data):
            raise _bad(f"shared memory region {self.name!r} has become smaller than it was")
        done = 0
        while done < len(data):
            done += os.pwritev(self._file, [data[done:]], self.offset + offset + done)

    def _check(self, offset: int, size: int) -> None:
        if not 0 <= offset <= self.size or not 0 <= size <= self.size - offset:
            raise _bad(
                f"shared memory region {self.name!r} has {self.size} bytes; {size} from byte "
                f"{offset} on are not within it"
            )


class Regions:
    """The regions that clients registered, where ``allowed``."""

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed
        self._regions: dict[str, Region] = {}

    def register(self, name: str, key: str, offset: int, size: int) -> None:
        """Make ``size`` bytes from ``offset`` on of shared memory ``key`` known as ``name``."""
        self._allow()
        if not name:
            raise _bad("a shared memory region needs a name")
        if name in self._regions:
            raise ServerError(
                Code.FAILED_PRECONDITION,
                f"shared memory region {name!r} is registered; unregister it first",
            )
        if len(self._regions) >= _MOST_REGIONS:
            raise ServerError(
                Code.RESOURCE_EXHAUSTED,
                f"{_MOST_REGIONS} shared memory regions are registered; unregister some",
            )
        self._regions[name] = Region(name, key, offset, size)

    def unregister(self, name: str = "") -> None:
        """Forget the region ``name``, by default all; what is in use is finished with."""
        self._allow()
        if name:
            self._regions.pop(name, None)
        else:
            self._regions.clear()

    def status(self, name: str = "") -> Mapping[str, Region]:
        """The region ``name``, by default all."""
        self._allow()
        return {name: self.find(name)} if name else dict(self._regions)

    def find(self, name: str) -> Region:
        """The region ``name``; raises `ServerError` where there is none."""
        self._allow()
        if name not in self._regions:
            raise _bad(f"shared memory region {name!r} is not registered")
        return self._regions[name]

    def read(self, place: Place) -> memoryview:
        """A copy of the bytes at ``place``."""
        return self.find(place.region).read(place.offset, place.size)

    def write(self, place: Place, data: memoryview) -> None:
        """Put ``data`` at ``place``; raises `ServerError` where there is not enough room."""
        region = self.find(place.region)
        if len(data) > place.size:
            raise _bad(
                f"shared memory region {place.region!r}: an output takes {len(data)} bytes, "
                f"{place.size} were set aside for it"
            )
        region.write(place.offset, data)

    def _allow(self) -> None:
        if not self.allowed:
            raise ServerError(
                Code.UNIMPLEMENTED,
                "shared memory is switched off; start the server with --shared-memory, which is "
                "the default only where it listens on this machine alone",
            )


def _open(key: str) -> int:
    """The shared memory ``key``, opened; no key leads out of its folder."""
    name = key.removeprefix("/")
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise _bad(f"{key!r} is not a name of shared memory")
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        file = os.open(_FOLDER / name, flags)
    except OSError as error:
        raise _bad(f"shared memory {key!r} cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _bad(f"{key!r} is not shared memory")
    return file


def _bad(message: str) -> ServerError:
    return ServerError(Code.INVALID_ARGUMENT, message)
