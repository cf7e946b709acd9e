"""Uploads: files that a user sent, and how long they are kept.

A whole file is an object at `layout.upload_files`; of one that was sent in pieces see `large`.
What is counted of an upload, and of all that a user has, is in Redis: a hash for each upload, and
nothing for each file.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice

import redis

from ..errors import OptionError
from ..image.names import shown
from ..settings import Settings
from . import layout
from .bucket import Bucket
from .errors import MissingError, QueueAwayError, QuotaError
from .large import LargeFiles
from .upload_paths import clean_path, order, path_digest
from .upload_state import UploadState

#: Uploads that a user may have.
MOST = 10_000

#: Bytes that are counted ahead of a file whose length is not known, and bytes that are read of it
#: to know whether it ends there.
_STEP, _FEW = 16 * 2**20, 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """What is known of an upload. Times are seconds since 1970; ``bytes`` and ``files`` are those
    there are, or are being sent.
    """

    id: str
    owner: str
    name: str
    created: float
    expires: float
    bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of an upload: ``path`` as the user gave it, ``key`` where it lies in the bucket.

    Of a file in ``pieces`` that is the folder of them, and these are their keys in order.
    """

    path: str
    bytes: int
    key: str
    pieces: tuple[str, ...] = ()


class Uploads:
    """The uploads in a Redis and a bucket; safe to use from several threads and processes.

    Every method raises `QueueAwayError` or `BucketAwayError` where one of them does not answer.
    """

    def __init__(self, client: redis.Redis, bucket: Bucket, settings: Settings) -> None:
        self._state = UploadState(client, settings.user_bytes)
        self._bucket, self._settings = bucket, settings
        #: Its files that are sent in pieces.
        self.large = LargeFiles(self._state, bucket, settings.piece_bytes)

    def create(self, owner: str, name: str = "") -> Upload:
        """Make an upload, empty. Raises `QuotaError` where ``owner`` has `MOST`."""
        if len(name) > 200 or shown(name) != name:
            raise OptionError("name: must be one line of at most 200 characters")
        made = secrets.token_hex(12)
        if not self._state.create(made, owner, name, self._settings.upload_days, MOST):
            raise QuotaError(f"you have {MOST:,} uploads already; delete some")
        return self.get(made) or _upload(made, {"owner": owner, "name": name})

    def get(self, name: str) -> Upload | None:
        """The upload with this id; None where there is none, or it is being deleted."""
        stored = self._state.find(name)
        return _upload(name, stored) if stored else None

    def list(
        self, owner: str | None = None, *, before: float | None = None, count: int = 100
    ) -> list[Upload]:
        """Uploads of ``owner``, or of all, newest first; those made ``before``, as pages go."""
        found = self._state.list(owner, before, count)
        return [_upload(name, stored) for name, stored in found.items()]

    def used(self, owner: str) -> int:
        """Bytes of all uploads of ``owner``."""
        return self._state.used(owner)

    def touch(self, name: str) -> bool:
        """Begin the days of an upload anew; False where there is none."""
        return self._state.hold(name, "")

    def hold(self, name: str, job: str) -> bool:
        """Keep an upload until ``job`` has ended, which is submitted within two minutes.

        It begins its days anew too. False where there is no such upload.
        """
        return self._state.hold(name, job)

    def delete(self, name: str) -> bool:
        """Remove an upload with all its files; False where a job that has not ended uses it.

        Nobody finds it from then on. If this is stopped half-way, `Queue.expired` names it at once
        and it may be asked again; where there is none, nothing is done.
        """
        match self._state.doom(name):
            case "used":
                return False
            case "doomed":
                self._bucket.delete_folder(layout.upload(name))
                self._state.forget(name)
        return True

    def put(
        self, name: str, path: str, chunks: Iterable[bytes], *, size: int | None = None
    ) -> UploadedFile:
        """Write a file, in place of one with the same path, without holding it in memory.

        ``size`` is what ``chunks`` will have, if that is known: then nothing is read where it is
        too much. Nothing is left where ``chunks`` raises. Raises `MissingError` for no such upload,
        `InputError` for a path that cannot be, `QuotaError`, `ConflictError` where a file is in the
        way of a folder, `BucketFullError`.
        """
        path = clean_path(path)
        digest, ticket = path_digest(path), secrets.token_hex(8)
        key = f"{layout.upload_files(name)}/{path}"
        before = self._state.begin(name, digest, ticket)
        reserved = counted = 0

        def kept() -> Iterator[bytes]:
            nonlocal reserved
            written = 0
            for chunk in chunks:
                written += len(chunk)
                if written > reserved:
                    reserved += self._ahead(name, written - reserved)
                yield chunk

        try:
            # Asked after `begin`: who began earlier and ends later cannot uncount it too.
            replaced = self._bucket.size(key)
            new = int(replaced is None)
            if size is None:
                chunks, size = _begun(chunks)
            self._state.reserve(name, size or 0, new)
            reserved, counted = size or 0, new
            written = self._bucket.put_stream(key, kept())
        except BaseException:
            # Where Redis is away the count is too high until the upload is deleted.
            with suppress(QueueAwayError):
                self._state.end(name, digest, ticket, written=False, size=-reserved, files=-counted)
            raise
        ended = self._state.end(
            name,
            digest,
            ticket,
            written=True,
            size=written - reserved,
            replaced=replaced or 0,
            counted=new,
        )
        if not ended:
            self._bucket.delete([key])
            raise MissingError
        if before is not None and before.whole:
            self.large.remove(name, before)
        return UploadedFile(path, written, key)

    def files(self, name: str) -> Iterator[UploadedFile]:
        """The files of an upload, in natural order; none where there is no such upload."""
        # Tuples of text: a million of them are 400 MB, and of records several times that.
        rows = [(order(file.path), *_row(file)) for file in self._files(name)]
        rows.sort()
        for _, path, size, key, pieces in rows:
            yield UploadedFile(path, size, key, pieces)

    def page(
        self, name: str, *, after: str = "", limit: int = 1000
    ) -> tuple[Sequence[UploadedFile], str | None]:
        """Up to ``limit`` files with paths after ``after``, ordered by the bytes of their paths.

        Returns what comes ``after`` for the next page too, None at the end.
        """
        rest = (file for file in self._files(name) if file.path > after)
        found = list(islice(rest, limit + 1))
        return found[:limit], found[limit - 1].path if len(found) > limit else None

    def key(self, name: str, path: str) -> str | None:
        """Where the whole file, or the folder, at ``path`` lies; None where there is none.

        Raises `InputError` for a path that cannot be.
        """
        path = clean_path(path)
        key = f"{layout.upload_files(name)}/{path}"
        if self._bucket.find(key) is not None:
            return key
        large = self._state.large_file(name, path_digest(path))
        if large is not None and large.whole:
            return self.large.keys(name, large)[0]
        return key if next(self._bucket.list(key), None) is not None else None

    def _ahead(self, name: str, needed: int) -> int:
        """Count bytes of a file as they come, some ahead where there is room; returns how many."""
        with suppress(QuotaError):
            self._state.reserve(name, max(needed, _STEP), 0)
            return max(needed, _STEP)
        self._state.reserve(name, needed, 0)
        return needed

    def _files(self, name: str) -> Iterator[UploadedFile]:
        """The files of an upload, ordered by the bytes of their paths."""
        folder = layout.upload_files(name)
        objects = (
            UploadedFile(found.key[len(folder) + 1 :], found.size, found.key)
            for found in self._bucket.list(folder)
        )
        large = (
            UploadedFile(file.path, file.bytes, *self.large.keys(name, file))
            for file in self.large.whole(name)
        )
        # The order of characters is that of their bytes in UTF-8.
        return merge(objects, large, key=lambda file: file.path)


def _begun(chunks: Iterable[bytes]) -> tuple[Iterator[bytes], int | None]:
    """``chunks``, and how many bytes they have if that is few."""
    rest, first, size = iter(chunks), [], 0
    for chunk in rest:
        first.append(chunk)
        size += len(chunk)
        if size > _FEW:
            return chain(first, rest), None
    return iter(first), size


def _row(file: UploadedFile) -> tuple[str, int, str, tuple[str, ...]]:
    return file.path, file.bytes, file.key, file.pieces


def _upload(name: str, stored: Mapping[str, str]) -> Upload:
    return Upload(
        id=name,
        owner=stored["owner"],
        name=stored["name"],
        created=float(stored.get("created", 0)),
        expires=float(stored.get("expires", 0)),
        bytes=int(stored.get("bytes", 0)),
        files=int(stored.get("files", 0)),
    )
