"""Looking into what was uploaded, before any job: what it is, and which images are in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..image.archive import is_zip, zip_entries
from ..image.collect import wanted_members
from ..image.core import ImageFile
from ..image.correction import CorrectedSource, Correction
from ..image.entry import Entry, FaultSource, PathSource, Source
from ..jobs.bucket import Bucket
from ..jobs.errors import MissingError
from ..jobs.upload_paths import clean_path
from ..jobs.uploads import Uploads
from .cache import Cache
from .retelling import Retold, retold

#: Bytes of a file that is fetched, or of a member that is unpacked, to be looked into.
_BYTES = 2**31

_LARGE = "is not looked into here; a job reads it all the same"


@dataclass(frozen=True, slots=True)
class Found:
    """A file, an OME-Zarr folder, a zip or a member of one: where its images are.

    Of a zip ``members`` are its images, and the source is that of the first of them that can be
    used, whose path is ``sample``.
    """

    source: Source
    members: int | None = None
    sample: str = ""


class Inspection:
    """Looks into the files of uploads, through a cache on this machine."""

    def __init__(self, uploads: Uploads, bucket: Bucket, cache: Cache) -> None:
        self._uploads, self._bucket, self._cache = uploads, bucket, cache

    @contextmanager
    def found(self, upload: str, path: str) -> Iterator[Found]:
        """What lies at ``path`` in an upload, which may be that of a member of a zip.

        Raises `MissingError` where there is nothing, and `InputError` for what cannot be a path and
        for a file that would have to be fetched and is large.
        """
        path = clean_path(path)
        whole, inside = self._whole(upload, path)
        key = self._uploads.key(upload, whole)
        if key is None:
            raise MissingError(f"{path}: the upload has no such file")
        if self._bucket.path(key) is None:
            size = sum(one.size for one in self._bucket.list(key)) or self._bucket.size(key) or 0
            _check_size(path, size)
        with self._cache.local(self._bucket, key) as local, retold(str(local), whole):
            here = _found(local, whole, inside)
            yield Found(Retold(here.source, str(local), whole), here.members, here.sample)

    def check(self, upload: str, paths: Iterable[str]) -> None:
        """Raise `InputError` for the first of ``paths`` at which an upload has nothing.

        What is in its zips is not asked.
        """
        for path in paths:
            whole, _ = self._whole(upload, clean_path(path))
            if self._uploads.key(upload, whole) is None:
                raise InputError(path, "is not in the upload", "upload it, or leave it out")

    def _whole(self, upload: str, path: str) -> tuple[str, str]:
        """The path of the file that holds it, and its path in that where it is a member."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if is_zip(above) and self._uploads.key(upload, path) is None:
                return above, "/".join(parts[depth:])
        return path, ""


@contextmanager
def opened(found: Found, path: str, correction: Correction) -> Iterator[ImageFile]:
    """The images there, called by their ``path``, as they should be. Raises `InputError`."""
    with CorrectedSource(found.source, correction, found.sample or path).open() as file:
        yield file


def _found(local: Path, path: str, inside: str) -> Found:
    if not is_zip(path):
        return Found(PathSource(local))
    entries = zip_entries(local, path, wanted_members(path, None))
    if inside:
        entries = [one for one in entries if _member(one, path) == inside]
        if not entries:
            raise MissingError(f"{path}/{inside}: the zip has no such image")
    if not entries:
        fault = FaultSource(str(local), "holds no image", "pack TIFF, PNG, JPEG or OME-Zarr files")
        return Found(fault, 0)
    usable = (one for one in entries if not isinstance(one.source, FaultSource))
    first = next(usable, entries[0])
    _check_size(first.name, first.bytes)
    return Found(first.source, None if inside else len(entries), f"{path}/{_member(first, path)}")


def _member(entry: Entry, path: str) -> str:
    """The path of an image in its zip."""
    return entry.name[len(path) - len(".zip") + 1 :]


def _check_size(path: str, size: int) -> None:
    if size > _BYTES:
        raise InputError(path, f"has {size:,} bytes and {_LARGE}")
