"""The images of an item that is open to be looked at."""

from __future__ import annotations

from contextlib import ExitStack
from threading import RLock
from typing import Literal

from ...errors import InputError, PermanentError
from ...image.core import Image
from ...jobs.errors import ConflictError, MissingError
from .. import opening
from ..backend import Backend
from ..cache import Cache
from .contrast import Channel
from .pyramid import Pyramid
from .target import Target

#: Which of an image's pyramids.
Kind = Literal["image", "labels"]

#: Faults for which an image cannot be shown, but its labels can.
_FAULTS = (MissingError, InputError, ConflictError)


class Opened:
    """An item that is open until ``stack`` ends, and its images.

    ``version`` tells its bytes from what they were before. Raises what is at fault where neither
    its image nor its labels can be shown.
    """

    def __init__(
        self, stack: ExitStack, held: Backend, cache: Cache, target: Target, version: str
    ) -> None:
        self._stack, self._held, self._cache, self._lock = stack, held, cache, RLock()
        self.target, self.version = target, version
        #: Why the images cannot be shown.
        self.fault: PermanentError | None = None
        images: list[Image] = []
        try:
            images = opening.images(stack, held, cache, target.job, target.item)
        except _FAULTS as error:
            self.fault = error
        record = target.record
        count = len(images) or max(1, record.images if record else 1)
        self._stems = opening.stems(target.item, count)
        self.looks = [Look(self, i, images[i] if images else None) for i in range(count)]
        # Now, while nobody's request waits for them to be fetched; those of others when asked for.
        labels = self.looks[0].labels
        if self.fault is not None and labels is None:
            raise self.fault

    def labels(self, number: int) -> Pyramid | None:
        """The labels of an image, open as long as the item; None where there are none."""
        record = self.target.record
        if record is None:
            return None
        with self._lock:  # of several images most are never looked at
            stem = self._stems[number]
            found = opening.labels(self._stack, self._held, self._cache, record.outputs, stem)
        return None if found is None else Pyramid.of_labels(found)


class Look:
    """One image of an item; its ``image`` is None where it cannot be shown."""

    def __init__(self, item: Opened, number: int, image: Image | None) -> None:
        self.item, self.number = item, number
        self.image = None if image is None else Pyramid.of_pixels(image)
        self.name = item.target.item.name if image is None else image.name
        #: Held while what is known of it changes.
        self.lock = RLock()
        #: How its channels are shown; None as long as nobody asked.
        self.channels: list[Channel] | None = None
        self._labels: Pyramid | None = None
        self._labels_fault: PermanentError | None = None
        self._asked = False

    @property
    def labels(self) -> Pyramid | None:
        """Those of its objects; None where there are none, or they cannot be shown."""
        with self.lock:
            if not self._asked:
                try:
                    self._labels = self.item.labels(self.number)
                except _FAULTS as error:
                    self._labels_fault = error
                self._asked = True
            return self._labels

    @property
    def fault(self) -> PermanentError | None:
        """Why its image, or else its labels, cannot be shown."""
        if self.image is None:
            return self.item.fault
        return self._labels_fault if self.labels is None else None

    def pyramid(self, kind: Kind) -> Pyramid:
        """Raises what is at fault, or `MissingError`, where there is none."""
        found = self.image if kind == "image" else self.labels
        if found is None:
            fault = self.item.fault if kind == "image" else self._labels_fault
            raise fault or MissingError(f"{self.name}: there are no labels of it")
        return found

    def key(self, kind: Kind) -> tuple[object, ...]:
        """What tells one of its pyramids from all others."""
        return self.item.target.key, self.number, self.item.version, kind
