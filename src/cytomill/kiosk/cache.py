"""A consumer's own copies of inputs that lie in a cloud.

What is in use stays; of the rest the longest unused goes where room is needed. Copies are kept by
the version of what they were made of, so what was uploaded again is fetched again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from ..errors import TemporaryError
from ..image.names import shown
from ..jobs.bucket import Bucket, Object
from ..jobs.errors import MissingError
from ..jobs.large import INDEX

#: Pieces of a file that are fetched at once.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies at a key: ``pieces`` are those of a file, in order, if it is one."""

    version: str
    bytes: int
    pieces: Sequence[Object] = ()


@dataclass(slots=True)
class _Copy:
    """A copy in a ``folder`` of its own, with those that use it now; ``path`` when it is whole."""

    folder: Path
    bytes: int
    users: int = 1
    path: Future[Path] = field(default_factory=Future)


class Cache:
    """Copies below ``folder`` of up to ``limit_bytes``, more only where more is in use at once.

    Safe to use from several threads. Each process has copies of its own, which are removed when it
    ends, or by the next process where it was killed.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._top = folder.expanduser()
        self._limit = limit_bytes
        self._lock = Lock()
        self._own: Path | None = None
        #: By bucket, key and version; the longest unused first.
        self._copies: OrderedDict[tuple[str, str, str], _Copy] = OrderedDict()

    @contextmanager
    def local(self, bucket: Bucket, key: str) -> Iterator[Path]:
        """The object or folder at ``key`` as a file or folder for the time of the block.

        Of a bucket that is a folder it is the original: to be read only. A file in pieces is put
        together. The name ends as that of the original. Raises `MissingError`, `BucketAwayError`,
        and `TemporaryError` where this machine's disk is full.
        """
        path = bucket.path(key)
        if path is not None:
            if not path.exists():
                raise MissingError(f"{key}: is not there")
            yield path
            return
        copy = self._taken(bucket, key)
        try:
            yield copy.path.result()
        finally:
            with self._lock:
                copy.users -= 1
                self._make_room(self._limit)

    def _taken(self, bucket: Bucket, key: str) -> _Copy:
        """A copy, counted as used; made here, or by another thread at this moment, or before."""
        found = _look(bucket, key)
        name = (bucket.url, key, found.version)
        with self._lock:
            copy = self._copies.get(name)
            if copy is not None:
                copy.users += 1
                self._copies.move_to_end(name)
                return copy
            try:
                copy = _Copy(self._folder() / secrets.token_hex(8), found.bytes)
            except OSError as error:
                raise self._fault(found, error) from error
            self._make_room(self._limit - found.bytes)
            self._copies[name] = copy
        try:
            copy.path.set_result(self._fetched(bucket, key, found, copy.folder))
        except BaseException as error:
            with self._lock:
                del self._copies[name]
            shutil.rmtree(copy.folder, ignore_errors=True)
            # Those who wait for it too must not be told that they were interrupted.
            copy.path.set_exception(
                error
                if isinstance(error, Exception)
                else TemporaryError(f"{key}: was not fetched to its end")
            )
            if not isinstance(error, Exception):
                raise
        return copy

    def _fetched(self, bucket: Bucket, key: str, found: _Found, folder: Path) -> Path:
        try:
            return _fetch(bucket, key, found, folder)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise self._fault(found, error) from error
        # Something else fills the disk too: what is not in use goes, for another try.
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._make_room(0)
        try:
            return _fetch(bucket, key, found, folder)
        except OSError as error:
            raise self._fault(found, error) from error

    def _fault(self, found: _Found, error: OSError) -> TemporaryError:
        """Temporary: another consumer has another disk."""
        return TemporaryError(
            f"{self._top}: an input of {found.bytes:,} bytes cannot be copied there "
            f"({error.strerror or error}); make room, or lower CYTOMILL_CACHE_BYTES"
        )

    def _make_room(self, limit: int) -> None:
        """Remove what is not in use until the rest has at most ``limit`` bytes; under the lock."""
        held = sum(copy.bytes for copy in self._copies.values())
        for name, copy in list(self._copies.items()):
            if held <= limit:
                return
            if not copy.users:
                del self._copies[name]
                shutil.rmtree(copy.folder, ignore_errors=True)
                held -= copy.bytes

    def _folder(self) -> Path:
        """This process's folder, made when it is needed; under the lock."""
        if self._own is None:
            self._own, lock = own_folder(self._top)
            weakref.finalize(self, _leave, self._own, lock)
        return self._own


def own_folder(top: Path) -> tuple[Path, int]:
    """A new folder below ``top``, locked for as long as this process lives, and its lock.

    Those of dead processes are removed. Raises `OSError`.
    """
    top.mkdir(parents=True, exist_ok=True)
    for other in top.iterdir():
        with suppress(OSError):
            lock = os.open(other, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(other, ignore_errors=True)
            finally:
                os.close(lock)
    while True:
        own = top / secrets.token_hex(8)
        own.mkdir()
        # Before it is locked, one that starts beside may take it for a dead one's.
        with suppress(FileNotFoundError):
            lock = os.open(own, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if own.exists():
                    return own, lock
            os.close(lock)


def _leave(own: Path, lock: int) -> None:
    shutil.rmtree(own, ignore_errors=True)
    os.close(lock)


def _look(bucket: Bucket, key: str) -> _Found:
    """What lies at ``key`` now. Raises `MissingError`."""
    found = bucket.find(key)
    if found is not None:
        return _Found(found.version, found.size)
    version, total = hashlib.sha256(), 0
    objects: list[Object] = []
    several = in_pieces = False
    for one in bucket.list(key):
        version.update(f"{one.key}\0{one.size}\0{one.version}\n".encode())
        total += one.size
        several = True
        name = one.key[len(key) + 1 :]
        in_pieces |= name == INDEX
        if name.isdigit():
            objects.append(one)
    if not several:
        raise MissingError(f"{key}: is not there")
    return _Found(version.hexdigest(), total, objects if in_pieces else ())


def _fetch(bucket: Bucket, key: str, found: _Found, folder: Path) -> Path:
    """Copy it into a new ``folder``, under a name that ends as the original's."""
    folder.mkdir()
    if not found.pieces:
        path = folder / key.rsplit("/", 1)[-1]
        bucket.download(key, path)
        return path
    index = json.loads(bucket.get(f"{key}/{INDEX}"))
    if sum(piece.size for piece in found.pieces) != index["bytes"]:
        raise MissingError(f"{shown(index['path'])}: not all of its pieces are there")
    path = folder / (shown(index["path"]).rsplit("/", 1)[-1] or "file")
    with path.open("wb") as file:
        file.truncate(index["bytes"])
    offsets = [0]
    for piece in found.pieces:
        offsets.append(offsets[-1] + piece.size)

    def fetch(piece: Object, offset: int) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.writelines(bucket.stream(piece.key))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(fetch, found.pieces, offsets[:-1]))
    return path
