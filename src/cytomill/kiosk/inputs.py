"""Opening an item, wherever its bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from ..image.correction import CorrectedSource, Correction
from ..image.entry import Entry, Source
from ..jobs.bucket import Bucket
from ..jobs.errors import MissingError
from ..jobs.items import Item
from .backend import Backend
from .cache import Cache
from .frames import is_objects, objects_source
from .place import is_fault, source
from .retelling import Retold, retold


class Inputs:
    """The items of jobs as entries, through a cache on this machine."""

    def __init__(self, backend: Backend, cache: Cache) -> None:
        self._backend, self._cache = backend, cache

    @contextmanager
    def entry(self, item: Item) -> Iterator[Entry]:
        """The entry of ``item``, which can be opened and read inside.

        Faults are told of the name that the user gave the file, not of where it lies here. Raises
        `InputError`, and what the bucket raises.
        """
        if is_fault(item.entry):
            yield Entry(item.name, source(item.entry, Path()))
            return
        bucket = self._backend.sources.get(item.source) if item.source else self._backend.bucket
        if bucket is None:
            raise InputError(item.name, f"is in the source {item.source}, which is not here", "")
        try:
            with located(self._cache, bucket, item) as found:
                yield Entry(item.name, found)
        except MissingError:
            raise InputError(item.name, "is not there any more", "upload it again") from None


@contextmanager
def located(cache: Cache, bucket: Bucket, item: Item) -> Iterator[Source]:
    """Where the bytes of an item are, for the time of the block; of a movie no frame is fetched.

    Its images are as the user says that they should be. Raises `MissingError`, and what the bucket
    raises.
    """
    if is_objects(item.entry):
        yield _corrected(objects_source(item.entry, cache, bucket, called(item)), item)
        return
    with cache.local(bucket, item.key) as path, retold(str(path), called(item)):
        yield _corrected(Retold(source(item.entry, path), str(path), called(item)), item)


def _corrected(found: Source, item: Item) -> Source:
    if not item.axes and not item.pixel_size:
        return found
    correction = Correction(item.axes or None, item.pixel_size or None)
    return CorrectedSource(found, correction, item.name)


def called(item: Item) -> str:
    """What the user called the file that holds ``item``: the zip, where it is in one."""
    if not item.entry or is_objects(item.entry):
        return item.name
    if item.source:
        return item.key
    _, _, kind, path = item.key.split("/", 3)
    return path if kind == "files" else item.name
