"""The bucket: where the bytes of uploads and results lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import OptionError
from .folder import FolderStore
from .keys import check, check_folder
from .store import Object, Store

__all__ = ["Bucket", "Object"]

_CLOUDS = ("s3", "gs", "az")


class Bucket:
    """A folder, or a bucket of S3, Google Cloud or Azure, with what lies below its prefix.

    Keys are clean posix paths: no empty, ``.`` or ``..`` component, none of more than 255 bytes, no
    control characters; others raise `InputError`. Objects appear whole or not at all. No key should
    be both an object's and a folder's: a bucket that is a folder raises `ConflictError`. Safe to
    use from several threads. Every method raises `BucketAwayError` where the bucket does not
    answer, `BucketFullError` where it is full.
    """

    def __init__(self, url: str) -> None:
        """Nothing is asked yet. Raises `OptionError` for what is no address of a bucket."""
        #: The address, as it was given.
        self.url = url
        self._store = _store(url)

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Write an object, in place of one that is there."""
        self._store.put(check(key), memoryview(data).cast("B"))

    def put_file(self, key: str, path: Path, *, move: bool = False) -> None:
        """Write the file or, recursively, the folder at ``path``; it may be ``move``\\ d."""
        self._store.put_file(check(key), path, move=move)

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> int:
        """Write chunks as they come, without holding them in memory; returns the bytes.

        Nothing is written where ``chunks`` raises.
        """
        return self._store.put_stream(check(key), chunks)

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises `MissingError`."""
        return self._store.get(check(key))

    def stream(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """An object's bytes in chunks, those there are. Raises `MissingError` at once."""
        return self._store.stream(check(key), start, length)

    def size(self, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        found = self.find(key)
        return None if found is None else found.size

    def find(self, key: str) -> Object | None:
        """What is known of an object; None where there is none."""
        return self._store.find(check(key))

    def list(self, prefix: str = "") -> Iterator[Object]:
        """Objects in the folder ``prefix`` and below, in order of their keys (byte-wise).

        Raises `InputError` where another program put what is no clean path into the cloud.
        """
        return self._store.list(check_folder(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are none."""
        self._store.delete(map(check, keys))

    def delete_folder(self, prefix: str) -> None:
        """Remove all that lies in the folder ``prefix`` and below."""
        self._store.delete_folder(check_folder(prefix))

    def path(self, key: str) -> Path | None:
        """Where the object or folder lies, of a bucket that is a folder; None of others.

        Raises `MissingError` where a link stands on the way.
        """
        return self._store.path(check(key))

    def download(self, key: str, path: Path) -> None:
        """Copy an object, or a folder of them, to ``path``. Raises `MissingError`.

        Raises `OSError` where ``path`` cannot be written.
        """
        self._store.download(check(key), path)

    def sign(self, key: str, method: str, seconds: int) -> str | None:
        """An address at which anyone may ``GET`` or ``PUT`` the object for a time, if any."""
        return self._store.sign(check(key), method, seconds)

    def ping(self) -> None:
        """Raises where the bucket cannot be written."""
        self._store.ping()

    def sweep(self) -> None:
        """Remove what writers that were killed left unfinished."""
        self._store.sweep()


def _store(url: str) -> Store:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return FolderStore(Path(url))
    if scheme == "file":
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise OptionError(f"{url}: is no folder of this machine; write file:///PATH")
        return FolderStore(Path(unquote(parts.path)))
    if scheme not in _CLOUDS or not rest.strip("/"):
        raise OptionError(
            f"{url}: is no bucket; give a folder, or file:///PATH, s3://BUCKET[/PREFIX], "
            "gs://BUCKET[/PREFIX], az://CONTAINER[/PREFIX]"
        )
    from .cloud import CloudStore  # its library is not needed for folders

    return CloudStore(url)
