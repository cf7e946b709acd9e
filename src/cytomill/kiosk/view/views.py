"""What the API asks for of an item that is looked at: its images, and chunks of their pyramids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Literal

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
from .opened import OpenItems
from .planes import Planes
from .pyramid import Pyramid
from .target import Target

#: Which of an image's pyramids.
Kind = Literal["image", "labels"]

#: Items that are open at once, and bytes of those that can only be held in memory as a whole.
_OPEN, _OPEN_BYTES = 24, 2**29

#: Bytes of small planes in memory, and of what was built of large ones on disk.
_PLANES_BYTES, _BUILT_BYTES = 2**28, 2**33

#: Channels of the plane that is shown first which are built before anybody asks for a chunk.
_SHOWN = 4

#: Faults for which an image cannot be shown, but its labels can.
_FAULTS = (MissingError, InputError, ConflictError)


@dataclass(slots=True)
class Look:
    """One image of an item that is open; of what cannot be shown ``faults`` say why."""

    target: Target
    number: int
    version: str
    name: str
    image: Pyramid | None
    labels: Pyramid | None
    faults: dict[Kind, PermanentError]
    _lock: Lock = field(default_factory=Lock)
    _channels: list[Channel] | None = None

    def pyramid(self, kind: Kind) -> Pyramid:
        """Raises what is at fault, or `MissingError`, where there is none."""
        found = self.image if kind == "image" else self.labels
        if found is None:
            raise self.faults.get(kind) or MissingError(f"{self.name}: there are no labels of it")
        return found


class Views:
    """Items that are looked at, through ``cache``; what is built is kept below ``folder``.

    Safe to use from several threads.
    """

    def __init__(self, held: Backend, cache: Cache, folder: Path) -> None:
        self._held, self._cache = held, cache
        self._open: OpenItems[list[Look]] = OpenItems(_OPEN, _OPEN_BYTES)
        self._planes = Planes(_PLANES_BYTES)
        self._builder = Builder(folder, _BUILT_BYTES)

    def looks(self, target: Target) -> AbstractContextManager[list[Look]]:
        """The images of an item, open for the time of the block.

        Raises what is at fault where neither image nor labels can be shown, and `NotYetError` where
        it is being fetched.
        """

        def opened(stack: ExitStack) -> tuple[list[Look], int]:
            looks = self._opened(stack, target, version())
            return looks, sum(_held_bytes(look.image.image) for look in looks if look.image)

        def version() -> str:
            return _version(self._held, target.item)

        return self._open.use(target.key, version, opened)

    @contextmanager
    def look(self, target: Target, number: int) -> Iterator[Look]:
        """One image of an item; see `looks`. Raises `MissingError` where there is none such."""
        with self.looks(target) as found:
            if number >= len(found):
                raise MissingError(f"{target.item.name} has no image {number}; it has {len(found)}")
            yield found[number]

    def chunk(self, look: Look, kind: Kind, place: Place) -> NDArray[Any]:
        """A chunk (y, x) as far as it is in its level.

        Raises `NotYetError` where it is being made, and `InputError`.
        """
        pyramid = look.pyramid(kind)
        pyramid.check_whole()
        if pyramid.small:
            t, c, z = place.t, place.c, place.z
            key = (look.target.key, look.number, look.version, kind, t, c, z)
            levels = self._planes.get(key, lambda: pyramid.levels(t, c, z))
            return levels[place.level][pyramid.geometry.rectangle(place)]
        found = pyramid.read(place)
        if found is not None:
            return found
        return self._builder.chunk(self._buildable(look, kind), pyramid, place)

    def progress(self, look: Look) -> float:
        """How much of what is shown first can be shown, 0 to 1; the rest is made from now on."""
        shares = []
        for kind in ("labels", "image"):
            pyramid = look.image if kind == "image" else look.labels
            if pyramid is None or pyramid.first is None:
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
        with look._lock:
            if look._channels is None:
                samples = [self._sample(look, c) for c in range(look.image.image.shape[1])]
                look._channels = channels(look.image.image, samples)
            return look._channels

    def sweep(self) -> None:
        """Close what nobody looks at any more."""
        self._open.sweep()

    def close(self) -> None:
        """Close and remove all; nothing is shown any more."""
        self._builder.close()
        self._open.close()

    def _sample(self, look: Look, c: int) -> NDArray[Any]:
        """Some pixels of a channel, of the plane that is shown first."""
        pyramid = look.pyramid("image")
        t, z = first_plane(pyramid.image)
        last = len(pyramid.geometry.levels) - 1
        try:
            if pyramid.small or pyramid.base(last) is not None:
                return self.chunk(look, "image", Place(last, t, c, z, 0, 0))
            return sampled(pyramid, c)
        except InputError:  # told where its chunks are asked for
            return np.empty(0, pyramid.dtype)

    def _buildable(self, look: Look, kind: Kind) -> Buildable:
        def reopen(stack: ExitStack) -> Pyramid:
            looks = self._opened(stack, look.target, look.version)
            return looks[look.number].pyramid(kind)

        return Buildable((look.target.key, look.number, look.version, kind), reopen)

    def _opened(self, stack: ExitStack, target: Target, version: str) -> list[Look]:
        """The images of an item, open until ``stack`` ends."""
        held, cache, item, record = self._held, self._cache, target.item, target.record
        images: list[Image] = []
        faults: dict[Kind, PermanentError] = {}
        try:
            images = opening.images(stack, held, cache, target.job, item)
        except _FAULTS as error:
            faults["image"] = error
        looks = []
        count = len(images) or max(1, record.images if record else 1)
        for number, stem in enumerate(opening.stems(item, count)):
            own, labels = dict(faults), None
            if record is not None:
                try:
                    labels = opening.labels(stack, held, cache, record.outputs, stem)
                except _FAULTS as error:
                    own["labels"] = error
            name = images[number].name if images else item.name
            image = Pyramid.of_pixels(images[number]) if images else None
            seen = Pyramid.of_labels(labels) if labels is not None else None
            looks.append(Look(target, number, version, name, image, seen, own))
        if faults and not any(look.labels for look in looks):
            raise faults["image"]
        return looks


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
