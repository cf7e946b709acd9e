"""Movies whose frames are objects of a bucket, of which only those that are read are fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import InputError
from ..image.core import ImageFile
from ..image.entry import PathSource
from ..image.frames import FramesSource
from ..image.names import shown
from ..image.series import Series
from ..jobs.bucket import Bucket
from ..jobs.errors import MissingError
from .cache import Cache
from .numbers import packed, unpacked
from .retelling import retold

#: How the ``entry`` of such an item begins.
_OBJECTS = "objects"


def told_objects(series: Series, keys: Mapping[str, str]) -> str:
    """The ``entry`` of a movie, given the key of each file of ``series``.

    Nearly all lie in one folder under their own names; a file in pieces does not.
    """
    folders = [key[: -len(name)] for name, key in keys.items() if key.endswith(f"/{name}")]
    folder = folders[0] if folders else ""
    others = {name: key for name, key in keys.items() if key != f"{folder}{name}"}
    place = [series.before, series.after, packed(series.written), folder, others]
    return json.dumps([_OBJECTS, *place], ensure_ascii=False)


def is_objects(entry: str) -> bool:
    """Whether an item is such a movie."""
    return entry.startswith(f'["{_OBJECTS}"')


def objects_source(entry: str, cache: Cache, bucket: Bucket, name: str) -> FramesSource:
    """The frames of a movie that messages call ``name``."""
    before, after, runs, folder, others = json.loads(entry)[1:]
    series = Series(before, after, unpacked(runs))
    sources = (
        ObjectSource(cache, bucket, others.get(file, f"{folder}{file}"), f"{name}/{file}")
        for file in series.names
    )
    return FramesSource(name, series, tuple(sources))


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """A file, or an OME-Zarr folder, at a ``key``, that messages call ``name``."""

    cache: Cache
    bucket: Bucket
    key: str
    name: str

    @property
    def bytes(self) -> int:
        """Size of the object; 0 of a folder and of a file in pieces."""
        return self.bucket.size(self.key) or 0

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open file."""
        with self._here() as source, source.open() as file:
            yield file

    def stamp(self) -> str:
        """That of the copy here."""
        with self._here() as source:
            return source.stamp()

    def digest(self) -> str:
        """SHA-256 of the content in hex."""
        with self._here() as source:
            return source.digest()

    @contextmanager
    def _here(self) -> Iterator[PathSource]:
        try:
            with (
                self.cache.local(self.bucket, self.key) as path,
                retold(str(path), shown(self.name)),
            ):
                yield PathSource(path)
        except MissingError:
            fault = "is not there any more"
            raise InputError(shown(self.name), fault, "upload it again") from None
