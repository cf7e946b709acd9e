"""The bucket: where the bytes of uploads and results lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a bucket: ``modified`` in seconds since 1970."""

    key: str
    size: int
    modified: float


class Bucket:
    """A folder, or a bucket of S3, Google Cloud or Azure, with what lies below its prefix.

    Keys are clean posix paths: no empty, ``.`` or ``..`` component. Objects appear whole or not at
    all. Safe to use from several threads. Every method raises `BucketAwayError` where the bucket
    does not answer, `BucketFullError` where it is full.
    """

    def __init__(self, url: str) -> None:
        raise NotImplementedError

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Write an object, in place of one that is there."""
        raise NotImplementedError

    def put_file(self, key: str, path: Path, *, move: bool = False) -> None:
        """Write the file or, recursively, the folder at ``path``; it may be ``move``\\ d."""
        raise NotImplementedError

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> int:
        """Write chunks as they come, without holding them in memory; returns the bytes."""
        raise NotImplementedError

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises `MissingError`."""
        raise NotImplementedError

    def stream(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """An object's bytes in chunks. Raises `MissingError` before the first."""
        raise NotImplementedError

    def size(self, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        raise NotImplementedError

    def list(self, prefix: str = "") -> Iterator[Object]:
        """Objects in the folder ``prefix`` and below, in order of their keys (byte-wise)."""
        raise NotImplementedError

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are none."""
        raise NotImplementedError

    def delete_folder(self, prefix: str) -> None:
        """Remove all that lies in the folder ``prefix`` and below."""
        raise NotImplementedError

    def path(self, key: str) -> Path | None:
        """The file or folder itself, of a bucket that is a folder; None of others."""
        raise NotImplementedError

    def download(self, key: str, path: Path) -> None:
        """Copy an object, or a folder of them, to ``path``. Raises `MissingError`."""
        raise NotImplementedError

    def sign(self, key: str, method: str, seconds: int) -> str | None:
        """An address at which anyone may ``GET`` or ``PUT`` the object for a time, if any."""
        raise NotImplementedError

    def ping(self) -> None:
        """Raises where the bucket cannot be written."""
        raise NotImplementedError
