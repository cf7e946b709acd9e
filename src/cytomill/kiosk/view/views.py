"""What the API asks for of an item that is looked at: its images, and chunks of their pyramids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, PermanentError
from ...image.core import Image
from ...image.reduced import grain_of
from ...jobs.errors import ConflictError, MissingError
from ...jobs.items import Item
from .. import opening
from ..backend import Backend
from ..cache import Cache
from ..place import is_fault
from .building import Buildable, Builder
from .contrast import Channel, channels, first_plane, sampled
from .geometry import Place
from .look import Kind, Look, Opened
from .opened import OpenItems
from .planes import Planes
from .pyramid import Pyramid
from .target import Target

#: Items that are open at once, and bytes of those that can only be held in memory as a whole.
_OPEN, _OPEN_BYTES = 24, 2**29

#: Bytes of small planes in memory, and of what was built of large ones on disk.
_PLANES_BYTES, _BUILT_BYTES = 2**28, 2**33

#: Channels of the plane that is shown first which are built before anybody asks for a chunk.
_SHOWN = 4

#: Channels that are looked at for how to show them.
_SAMPLED = 32


class Views:
    """Items that are looked at, through ``cache``; what is built is kept below ``folder``.

    Safe to use from several threads.
    """

    def __init__(self, held: Backend, cache: Cache, folder: Path) -> None:
        self._held, self._cache = held, cache
        self._open: OpenItems[Opened] = OpenItems(_OPEN, _OPEN_BYTES)
        self._planes = Planes(_PLANES_BYTES)
        self._builder = Builder(folder, _BUILT_BYTES)

    @contextmanager
    def looks(self, target: Target) -> Iterator[list[Look]]:
        """The images of an item, open for the time of the block.

        Raises what is at fault where neither image nor labels can be shown, and `NotYetError` where
        it is being fetched.
        """

        def version() -> str:
            return _version(self._held, target.item)

        def opened(stack: ExitStack) -> tuple[Opened, int]:
            found = Opened(stack, self._held, self._cache, target, version())
            return found, sum(_held_bytes(look.image.image) for look in found.looks if look.image)

        with self._open.use(target.key, version, opened) as found:
            yield found.looks

    @contextmanager
    def look(self, target: Target, number: int) -> Iterator[Look]:
        """One image of an item; see `looks`. Raises `MissingError` where there is none."""
        with self.looks(target) as found:
            if number >= len(found):
                raise MissingError(f"{target.item.name} has no image {number}; it has {len(found)}")
            yield found[number]

    def chunk(self, look: Look, kind: Kind, place: Place) -> NDArray[Any]:
        """A chunk (y, x) as far as it is in its level.

        Raises `NotYetError` where it is being made, and `InputError`.
        """
        pyramid = look.pyramid(kind)
        if pyramid.small:
            t, c, z = place.t, place.c, place.z
            levels = self._planes.get((look.key(kind), t, c, z), lambda: pyramid.levels(t, c, z))
            return levels[place.level][pyramid.geometry.rectangle(place)]
        found = pyramid.read(place)
        if found is not None:
            return found
        return self._builder.chunk(self._buildable(look, kind), pyramid, place)

    def progress(self, look: Look) -> float:
        """How much of what is shown first can be shown, 0 to 1; the rest is made from now on."""
        shares = []
        for kind, pyramid in _pyramids(look):
            if pyramid.first is None:
                continue
            t, z = first_plane(pyramid.image)
            # What is asked for last is built first.
            for c in reversed(range(min(pyramid.image.shape[1], _SHOWN))):
                try:
                    shares.append(self._builder.want(self._buildable(look, kind), t, c, z))
                except PermanentError:  # told where its chunks are asked for
                    shares.append(1.0)
        return sum(shares) / len(shares) if shares else 1.0

    def channels(self, look: Look) -> list[Channel]:
        """How its channels are shown at first; none of an image that cannot be shown."""
        if look.image is None:
            return []
        with look.lock:
            if look.channels is None:
                image = look.image.image
                look.channels = channels(
                    image, [self._sample(look, c) for c in range(image.shape[1])]
                )
            return look.channels

    def sweep(self) -> None:
        """Close and remove what nobody looks at any more."""
        self._open.sweep()
        self._builder.sweep()

    def close(self) -> None:
        """Close and remove all; nothing is shown any more."""
        self._builder.close()
        self._open.close()

    def _sample(self, look: Look, c: int) -> NDArray[Any]:
        """Some pixels of a channel, of the plane that is shown first."""
        pyramid = look.pyramid("image")
        t, z = first_plane(pyramid.image)
        last = len(pyramid.geometry.levels) - 1
        if c >= _SAMPLED:
            return np.empty(0, pyramid.dtype)
        try:
            if pyramid.small or pyramid.base(last) is not None:
                return self.chunk(look, "image", Place(last, t, c, z, 0, 0))
            return sampled(pyramid, c)
        except InputError:  # told where its chunks are asked for
            return np.empty(0, pyramid.dtype)

    def _buildable(self, look: Look, kind: Kind) -> Buildable:
        def reopen(stack: ExitStack) -> Pyramid:
            target, version = look.item.target, look.item.version
            opened = Opened(stack, self._held, self._cache, target, version)
            found = opened.looks[look.number].pyramid(kind)
            found.check_whole()
            return found

        return Buildable(look.key(kind), reopen)


def _pyramids(look: Look) -> Iterator[tuple[Kind, Pyramid]]:
    """Those that it has, the image last."""
    if look.labels is not None:
        yield "labels", look.labels
    if look.image is not None:
        yield "image", look.image


def _version(held: Backend, item: Item) -> str:
    """What changes when the bytes of an item do; of a folder only whether it is there."""
    if is_fault(item.entry):
        return "fault"
    try:
        bucket = opening.bucket_of(held, item)
    except ConflictError:
        return ""
    found = bucket.find(item.key)
    if found is not None:
        return found.version
    return "folder" if next(iter(bucket.list(item.key)), None) is not None else ""


def _held_bytes(image: Image) -> int:
    """Bytes of an image that is held as a whole by what reads it."""
    if grain_of(image.source) != image.shape[3:]:
        return 0
    return int(np.prod(image.shape, dtype=np.int64)) * image.dtype.itemsize
