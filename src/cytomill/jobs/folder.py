"""A bucket that is a folder.

An object is a file whose path is its key. It is written below ``.part`` and renamed, so it is whole
or absent, whoever is killed. Nothing is forced onto the disk: a power cut may take what was written
in the last seconds, and forcing each of a job's millions of small files would cost more than making
it.

Links are not followed: who may write to a folder that is shared could read any file with them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .disk import fault, told
from .errors import ConflictError, MissingError
from .keys import UNFINISHED, WHOLE, is_name
from .store import CHUNK, Object

#: What the operating system says where a file and a folder are in each other's way.
_TAKEN = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)

#: What it says of a disk, such as a remote one, that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

#: Times that a write is begun again where others remove the emptied folders it needs.
_TRIES = 20


class FolderStore:
    """A folder, made when it is first written to."""

    def __init__(self, root: Path) -> None:
        # Resolved once: that the bucket itself is reached by a link is the operator's choice.
        self._root = Path(os.path.realpath(root.expanduser()))
        self._unfinished = self._root / UNFINISHED

    def put(self, key: str, data: memoryview) -> None:
        """See `Bucket.put`."""
        self.put_stream(key, (data,))

    def put_stream(self, key: str, chunks: Iterable[bytes | memoryview]) -> int:
        """See `Bucket.put_stream`."""
        written = 0
        with self._writing(key) as file:
            for chunk in chunks:
                view = memoryview(chunk)
                written += len(view)
                with told(self._root):
                    while view:
                        view = view[os.write(file, view) :]
        return written

    def put_file(self, key: str, path: Path, *, move: bool) -> None:
        """See `Bucket.put_file`."""
        if move and self._moved(key, path):
            return
        if not path.is_dir():
            with path.open("rb") as source:
                self.put_stream(key, iter(lambda: source.read(CHUNK), b""))
        else:
            for inner in sorted(path.iterdir()):
                self.put_file(f"{key}/{inner.name}", inner, move=move)
        if move:
            path.rmdir() if path.is_dir() else path.unlink()

    def get(self, key: str) -> bytes:
        """See `Bucket.get`."""
        return b"".join(self.stream(key, 0, None))

    def stream(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        """See `Bucket.stream`."""
        chunks = self._chunks(key, start, length)
        next(chunks)  # opens the file; from then on the generator closes it
        return chunks

    def find(self, key: str) -> Object | None:
        """See `Bucket.find`."""
        try:
            with told(self._root, key):
                found = self.path(key).stat()
        except MissingError:
            return None
        return _object(key, found) if stat.S_ISREG(found.st_mode) else None

    def list(self, prefix: str) -> Iterator[Object]:
        """See `Bucket.list`."""
        with suppress(MissingError):
            if prefix:
                self.path(prefix)  # no link
            yield from self._below(prefix and f"{prefix}/")

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        for key in keys:
            with suppress(MissingError):
                path = self.path(key)
                with told(self._root, key):
                    path.unlink()
                self._prune(path.parent)

    def delete_folder(self, prefix: str) -> None:
        """See `Bucket.delete_folder`."""
        if not prefix:
            with suppress(MissingError):
                self._empty()
            return
        with suppress(MissingError):
            path = self.path(prefix)
            if path.is_dir():
                self._remove(path)
                self._prune(path.parent)

    def path(self, key: str) -> Path:
        """See `Bucket.path`."""
        path = self._root / key
        if os.path.realpath(path) != str(path) or path.is_symlink():
            raise MissingError(
                f"{key}: is reached by a link, and links in a bucket are not followed"
            )
        return path

    def download(self, key: str, path: Path) -> None:
        """See `Bucket.download`."""
        source = self.path(key)
        if not source.is_dir():
            self._copy(key, path)
            return
        for found in self._below(f"{key}/"):
            inner = path / found.key[len(key) + 1 :]
            inner.parent.mkdir(parents=True, exist_ok=True)
            self._copy(found.key, inner)

    def sign(self, key: str, method: str, seconds: int) -> None:
        """A folder has no address."""

    def ping(self) -> None:
        """See `Bucket.ping`."""
        with self._temporary() as (_, file), told(self._root):
            os.write(file, b"1")

    def sweep(self) -> None:
        """See `Bucket.sweep`."""
        with suppress(MissingError), told(self._root, UNFINISHED):
            for path in self._unfinished.iterdir():
                with suppress(OSError):
                    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its writer is gone
                        path.unlink()
                    finally:
                        os.close(file)

    def _copy(self, key: str, path: Path) -> None:
        chunks = self.stream(key, 0, None)
        with path.open("wb") as file:
            file.writelines(chunks)

    def _chunks(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        """An empty chunk when the file is open, then its bytes."""
        with told(self._root, key):
            # Without waiting: a pipe in a shared folder must not hold a consumer.
            file = os.open(self.path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise MissingError(f"{key}: is not a file")
            yield b""
            with told(self._root, key):
                os.lseek(file, start, os.SEEK_SET)
            left = length
            while left is None or left > 0:
                with told(self._root, key):
                    chunk = os.read(file, CHUNK if left is None else min(CHUNK, left))
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk
        finally:
            os.close(file)

    def _below(self, prefix: str) -> Iterator[Object]:
        """Objects whose keys begin with ``prefix``, which is empty or ends with "/".

        Of all there are, only the names in the folders on the way are held: of a million files
        60 MB. A file whose path can be no key, such as a name that is not UTF-8, is left out.
        """
        names: list[bytes] = []
        room = WHOLE - len(prefix.encode())
        with told(self._root, prefix), os.scandir(f"{self._root}/{prefix}") as found:
            for entry in found:
                if not is_name(entry.name) or (not prefix and entry.name == UNFINISHED):
                    continue
                name = entry.name.encode()
                if len(name) > room:
                    continue
                if entry.is_file(follow_symlinks=False):
                    names.append(name)
                elif entry.is_dir(follow_symlinks=False):
                    # Its keys go on with "/", by which it takes its place among the files.
                    names.append(name + b"/")
        names.sort()
        for name in names:
            key = prefix + name.decode()
            with suppress(MissingError):  # removed since
                if name.endswith(b"/"):
                    yield from self._below(key)
                    continue
                with told(self._root, key):
                    status = os.lstat(f"{self._root}/{key}")
                if stat.S_ISREG(status.st_mode):
                    yield _object(key, status)

    def _empty(self) -> None:
        with told(self._root, ""):
            found = [path for path in self._root.iterdir() if path != self._unfinished]
        for path in found:
            self._remove(path)

    def _remove(self, path: Path) -> None:
        with told(self._root):
            if not path.is_dir() or path.is_symlink():
                path.unlink(missing_ok=True)
                return
            for attempt in range(_TRIES):
                try:
                    shutil.rmtree(path)
                    return
                except OSError as error:  # others remove it too, or write to it
                    if not path.exists():
                        return
                    passing = error.errno in (errno.ENOENT, errno.ENOTEMPTY)
                    if not passing or attempt == _TRIES - 1:
                        raise

    def _prune(self, folder: Path) -> None:
        """Remove folders that are empty, upwards."""
        with suppress(OSError):
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    @contextmanager
    def _writing(self, key: str) -> Iterator[int]:
        """A file that becomes the object ``key`` when the block succeeds."""
        with self._temporary() as (temporary, file):
            yield file
            self._place(key, temporary.replace)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, int]]:
        """A new file, locked for as long as its writer lives, and removed at the end if it is left.

        By the lock `sweep` tells it from that of a writer that was killed.
        """
        with told(self._root):
            path, file = self._locked()
        try:
            yield path, file
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    def _locked(self) -> tuple[Path, int]:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        while True:
            path = self._unfinished / secrets.token_hex(8)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            # Before it is locked, a sweep may take it for one that was left.
            if _lock(file) and os.fstat(file).st_nlink:
                return path, file
            os.close(file)

    def _moved(self, key: str, path: Path) -> bool:
        """Move a file or folder in, if that can be done at once."""
        try:
            self._place(key, path.replace)
        except ConflictError:
            if not path.is_dir():
                raise
            return False  # a folder is there: file by file into it
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        return True

    def _place(self, key: str, move: Callable[[Path], object]) -> None:
        """Call ``move`` with the path of ``key``, in a folder that is there."""
        path = self.path(key)
        for attempt in range(_TRIES):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                move(path)
                return
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise
                if error.errno in _TAKEN and self._taken(path):
                    raise ConflictError(
                        f"{key}: a path cannot be a file and a folder at once; rename one of them"
                    ) from None
                # The folder was empty, and was removed by others meanwhile.
                if error.errno in (*_TAKEN, errno.ENOENT) and attempt < _TRIES - 1:
                    continue
                raise fault(self._root, error) from None

    def _taken(self, path: Path) -> bool:
        """Whether a folder stands at ``path``, or a file in the place of a folder above it."""
        return path.is_dir() or any(
            folder.is_file() for folder in path.parents if folder.is_relative_to(self._root)
        )


def _object(key: str, found: os.stat_result) -> Object:
    version = f"{found.st_mtime_ns}-{found.st_ino}"
    return Object(key, found.st_size, found.st_mtime, version)


def _lock(file: int) -> bool:
    """Lock a file, if nobody has; a disk without locks has no sweeps that would mind."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True
