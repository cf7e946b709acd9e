"""An entry: one thing to analyse, where its bytes are, and how to open it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import InputError
from .core import ImageFile
from .names import ZARR_MARKERS, shown

#: Bytes read at once: memory for more would be asked of the system, and given back, each time.
CHUNK = 2**16


class Source(Protocol):
    """Where an entry's bytes are: hashable, equal for the same place, and picklable."""

    @property
    def bytes(self) -> int:
        """Size of the content; 0 where it cannot be known."""
        ...

    def open(self) -> AbstractContextManager[ImageFile]:
        """The open file. Raises `InputError`."""
        ...

    def stamp(self) -> str:
        """What changes when the content does, without reading it. Raises `InputError`."""
        ...

    def digest(self) -> str:
        """SHA-256 of the content in hex. Raises `InputError`."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to analyse.

    ``name`` is a clean posix path relative to the input that the entry came from, extension
    included: ``a/b.tif``; ``z/a/b.tif`` for a member of ``z.zip``. ``truth`` is the ground-truth
    image that a dataset names for it.
    """

    name: str
    source: Source
    truth: Path | None = None

    def open(self) -> AbstractContextManager[ImageFile]:
        """The open file. Raises `InputError`, also for a fault found when the entry was listed."""
        return self.source.open()

    def stamp(self) -> str:
        """What changes when the content does: size and time, or checksum. Raises `InputError`."""
        return self.source.stamp()

    def digest(self) -> str:
        """SHA-256 of the content in hex. Raises `InputError`."""
        return self.source.digest()

    @property
    def bytes(self) -> int:
        """Size of the content; 0 where it cannot be known."""
        return self.source.bytes


@dataclass(frozen=True, slots=True)
class PathSource:
    """A file, or an OME-Zarr folder."""

    path: Path

    @property
    def bytes(self) -> int:
        """Size of the file, or of all files in the folder."""
        try:
            return sum(status.st_size for _, status in self._files())
        except InputError:
            return 0

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open file."""
        from .formats import open_images

        try:
            if self._is_folder():
                os.listdir(self.path)  # noqa: PTH208 - asks only whether it may be listed
            else:
                self.path.open("rb").close()
            file = open_images(self.path)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None
        with file:
            yield file

    def stamp(self) -> str:
        """Size and time of last change; of a folder the sum of sizes, latest time and number."""
        statuses = [status for _, status in self._files()]
        size = sum(status.st_size for status in statuses)
        latest = max((status.st_mtime_ns for status in statuses), default=0)
        return f"{size}-{latest}" + (f"-{len(statuses)}" if self.path.is_dir() else "")

    def digest(self) -> str:
        """Of the file's content; of a folder see `tree_digest`."""
        files = self._files()
        if self.path.is_dir():
            return tree_digest(
                (path.relative_to(self.path).as_posix(), status.st_size, _chunks(path))
                for path, status in files
            )
        sha = hashlib.sha256()
        for chunk in _chunks(self.path):
            sha.update(chunk)
        return sha.hexdigest()

    def _is_folder(self) -> bool:
        """Whether it is Zarr rather than a file; raises for what is neither, or is not there."""
        status = self.path.stat()
        if not stat.S_ISDIR(status.st_mode):
            _regular(self.path, status)
            return False
        if not is_zarr(self.path):
            raise InputError(
                shown(self.path), "is a folder, but not OME-Zarr", "name an image in it"
            )
        return True

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """The files and what the system knows of them, in order of their paths."""
        try:
            if not self._is_folder():
                return [(self.path, self.path.stat())]
            paths = sorted(
                Path(folder, name)
                for folder, _, names in os.walk(self.path, onerror=_raise)
                for name in names
            )
            return [(path, _regular(path, path.stat())) for path in paths]
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None


@dataclass(frozen=True, slots=True)
class FaultSource:
    """Something that was found unusable when it was listed."""

    subject: str
    fault: str
    advice: str = ""

    @property
    def bytes(self) -> int:
        """0."""
        return 0

    def open(self) -> AbstractContextManager[ImageFile]:
        """Raises the `InputError`."""
        raise InputError(self.subject, self.fault, self.advice)

    def stamp(self) -> str:
        """Raises the `InputError`."""
        raise InputError(self.subject, self.fault, self.advice)

    def digest(self) -> str:
        """Raises the `InputError`."""
        raise InputError(self.subject, self.fault, self.advice)


def is_zarr(path: Path) -> bool:
    """Whether a path is a Zarr folder, by its name or by what is at its top."""
    if not os.path.isdir(path):  # noqa: PTH112 - Path's raises where it may not be asked
        return False
    return path.suffix.lower() == ".zarr" or any(
        os.path.exists(path / marker)  # noqa: PTH110
        for marker in ZARR_MARKERS
    )


def tree_digest(files: Iterable[tuple[str, int, Iterable[bytes]]]) -> str:
    """SHA-256 of a folder in hex, from (relative path, size, content) of its files in order."""
    sha = hashlib.sha256()
    for name, size, chunks in files:
        sha.update(f"{shown(name)}\0{size}\0".encode())
        for chunk in chunks:
            sha.update(chunk)
    return sha.hexdigest()


def unreadable(path: Path, error: OSError | ValueError) -> InputError:
    """The `InputError` for a path that the system would not read."""
    number = error.errno if isinstance(error, OSError) else errno.EINVAL
    if number == errno.ENOENT and path.is_symlink():
        return InputError(
            shown(path), "is a link to nothing", "restore its target, or leave it out"
        )
    fault, advice = {
        errno.ENOENT: ("does not exist", "check the name, or leave it out"),
        errno.ENOTDIR: ("does not exist", "check the name, or leave it out"),
        errno.EACCES: ("may not be read", "ask for permission to read it, or leave it out"),
        errno.EPERM: ("may not be read", "ask for permission to read it, or leave it out"),
        errno.ELOOP: ("is a link that leads back to itself", "remove it, or leave it out"),
        errno.EINVAL: ("is not a name that a file can have", "check the name"),
    }.get(number or 0, (f"cannot be read ({error})", "check the disk, then try again"))
    return InputError(shown(path), shown(fault), advice)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def _regular(path: Path, status: os.stat_result) -> os.stat_result:
    """``status``; raises `InputError` for pipes and devices, whose reader could wait forever."""
    if not stat.S_ISREG(status.st_mode):
        raise InputError(shown(path), "is not a regular file", "leave it out")
    return status


def _raise(error: OSError) -> None:
    raise error
