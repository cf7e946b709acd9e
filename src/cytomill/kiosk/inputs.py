"""Opening an item, wherever its bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, PermanentError
from ..image.entry import Entry
from ..jobs.errors import MissingError
from ..jobs.items import Item
from .backend import Backend
from .cache import Cache
from .place import is_fault, source


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
            with self._cache.local(bucket, item.key) as path:
                try:
                    yield Entry(item.name, source(item.entry, path))
                except PermanentError as error:
                    raise _retold(error, str(path), called(item)) from error
        except MissingError:
            raise InputError(item.name, "is not there any more", "upload it again") from None


def called(item: Item) -> str:
    """What the user called the file that holds ``item``: the zip, where it is in one."""
    if not item.entry:
        return item.name
    if item.source:
        return item.key
    _, _, kind, path = item.key.split("/", 3)
    return path if kind == "files" else item.name


def _retold(error: PermanentError, path: str, name: str) -> PermanentError:
    if path not in str(error):
        return error
    if isinstance(error, InputError):
        parts = (error.subject, error.fault, error.advice)
        return InputError(*(part.replace(path, name) for part in parts))
    return PermanentError(str(error).replace(path, name))
