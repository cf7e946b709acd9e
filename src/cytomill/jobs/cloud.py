"""A bucket of S3, Google Cloud or Azure, or of a server that speaks as one of them does.

Keys and addresses are read as their own programs do, from ``AWS_*``, ``GOOGLE_*`` and ``AZURE_*``
in the environment or from the machine's role: ``AWS_ENDPOINT_URL`` names another server than
Amazon's, and ``AWS_ALLOW_HTTP`` allows one without TLS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from ..errors import OptionError
from .errors import BucketAwayError, BucketFullError, MissingError
from .keys import UNFINISHED
from .store import CHUNK, Object

try:
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import from_url
except ModuleNotFoundError:
    raise OptionError(
        "buckets of clouds need more libraries; install them: pip install cytomill[kiosk]"
    ) from None

if TYPE_CHECKING:
    from obstore import HTTP_METHOD, GetResult, SignCapableStore

#: Times that a request is tried again, and seconds after which no more: who calls knows better
#: whether to wait longer, an API answers 503 and a consumer tries the task again.
_RETRIES, _PATIENCE = 5, 10

#: Seconds that one request may take. A part has to get through: 16 MiB at 2.2 Mbit/s.
_REQUEST = 60

#: Bytes of the parts in which objects are written, and how many are under way at once. S3 takes
#: 10,000 parts: 156 GiB.
_PART, _AT_ONCE = 16 * 2**20, 4

#: Objects that are removed with one request, and files of a folder that are copied at once.
_BATCH, _COPIES = 1000, 8

#: What servers say when they are full: of the protocol, of MinIO, Ceph and others.
_FULL = ("507 Insufficient Storage", "StorageFull", "QuotaExceeded", "InsufficientCapacity")

_MISSING_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")


class CloudStore:
    """A bucket, or what lies below a prefix of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            store = from_url(
                url,
                client_options={"timeout": timedelta(seconds=_REQUEST), "connect_timeout": "5s"},
                retry_config={
                    "max_retries": _RETRIES,
                    "retry_timeout": timedelta(seconds=_PATIENCE),
                },
            )
        except (BaseError, ValueError) as error:
            raise OptionError(f"{url}: is not usable as a bucket ({_reason(error)})") from None
        self._store = cast("SignCapableStore", store)

    def put(self, key: str, data: memoryview) -> None:
        """See `Bucket.put`."""
        with self._told():
            obstore.put(self._store, key, data, chunk_size=_PART, max_concurrency=_AT_ONCE)

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> int:
        """See `Bucket.put_stream`."""
        written = 0

        def counted() -> Iterator[bytes]:
            nonlocal written
            for chunk in chunks:
                written += len(chunk)
                yield chunk

        with self._told():
            obstore.put(self._store, key, counted(), chunk_size=_PART, max_concurrency=_AT_ONCE)
        return written

    def put_file(self, key: str, path: Path, *, move: bool) -> None:
        """See `Bucket.put_file`."""
        if path.is_dir():
            for inner in sorted(path.iterdir()):
                self.put_file(f"{key}/{inner.name}", inner, move=move)
        else:
            # No more than 10,000 parts, however large it is.
            part = max(_PART, path.stat().st_size // 9000)
            with path.open("rb") as file, self._told():
                obstore.put(self._store, key, file, chunk_size=part, max_concurrency=_AT_ONCE)
        if move:
            path.rmdir() if path.is_dir() else path.unlink()

    def get(self, key: str) -> bytes:
        """See `Bucket.get`."""
        with self._told(key):
            return bytes(obstore.get(self._store, key).bytes())

    def stream(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        """See `Bucket.stream`."""
        whole = start == 0 and length is None
        if not whole:
            size = self.size(key)  # a range beyond the end is a fault to the server
            if size is None:
                raise MissingError(f"{key}: is not there")
            end = size if length is None else min(size, start + length)
            if start >= end:
                return iter(())
        with self._told(key):
            got = obstore.get(self._store, key, options={} if whole else {"range": (start, end)})
        return self._chunks(key, got)

    def size(self, key: str) -> int | None:
        """See `Bucket.size`."""
        try:
            with self._told(key):
                return int(obstore.head(self._store, key)["size"])
        except MissingError:
            return None

    def list(self, prefix: str) -> Iterator[Object]:
        """See `Bucket.list`."""
        with self._told():
            for batch in obstore.list(self._store, prefix or None, chunk_size=_BATCH):
                for found in batch:
                    if not found["path"].startswith(f"{UNFINISHED}/"):
                        modified = found["last_modified"].timestamp()
                        yield Object(found["path"], found["size"], modified)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        rest = iter(keys)
        while batch := list(islice(rest, _BATCH)):
            try:
                with self._told(batch[0]):
                    obstore.delete(self._store, batch)
            except MissingError:  # one of them, and servers differ in what became of the others
                for key in batch:
                    with suppress(MissingError), self._told(key):
                        obstore.delete(self._store, key)

    def delete_folder(self, prefix: str) -> None:
        """See `Bucket.delete_folder`."""
        self.delete(found.key for found in self.list(prefix))

    def path(self, key: str) -> None:
        """A cloud is no folder."""

    def download(self, key: str, path: Path) -> None:
        """See `Bucket.download`."""
        try:
            self._copy(key, path)
        except MissingError:
            found = self.list(key)
            first = next(found, None)
            if first is None:
                raise
            self._copy_folder(key, path, first, found)

    def sign(self, key: str, method: str, seconds: int) -> str | None:
        """See `Bucket.sign`."""
        try:
            return obstore.sign(
                self._store, cast("HTTP_METHOD", method), key, timedelta(seconds=seconds)
            )
        except BaseError:  # not every kind of key can sign: its bytes go through the API then
            return None

    def ping(self) -> None:
        """See `Bucket.ping`."""
        key = f"{UNFINISHED}/ping"
        with self._told():
            obstore.put(self._store, key, b"")
        self.delete((key,))

    def sweep(self) -> None:
        """Parts of an object that was never finished go by a rule of the cloud's own."""

    def _chunks(self, key: str, got: GetResult) -> Iterator[bytes]:
        with self._told(key):
            for chunk in got.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    def _copy(self, key: str, path: Path) -> None:
        chunks = self.stream(key, 0, None)
        with path.open("wb") as file:
            file.writelines(chunks)

    def _copy_folder(self, key: str, path: Path, first: Object, rest: Iterator[Object]) -> None:
        def copy(found: Object) -> None:
            inner = path / found.key[len(key) + 1 :]
            inner.parent.mkdir(parents=True, exist_ok=True)
            self._copy(found.key, inner)

        copy(first)
        with ThreadPoolExecutor(_COPIES) as pool:
            while batch := list(islice(rest, _BATCH)):
                list(pool.map(copy, batch))

    @contextmanager
    def _told(self, key: str | None = None) -> Iterator[None]:
        """Turns faults of the library into ours; with ``key`` what is absent is missing."""
        try:
            yield
        except FileNotFoundError as error:
            if key is not None and not any(word in str(error) for word in _MISSING_BUCKET):
                raise MissingError(f"{key}: is not there") from None
            raise BucketAwayError(
                f"there is no bucket {self._url}; make it, or correct its name"
            ) from None
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise BucketAwayError(
                f"the bucket {self._url} refuses these keys ({_reason(error)}); give others in the "
                "environment"
            ) from None
        except BaseError as error:
            self._fault(error)

    def _fault(self, error: BaseError) -> NoReturn:
        told = str(error)
        if any(word in told for word in _FULL):
            raise BucketFullError(
                f"the bucket {self._url} is full; delete jobs and uploads, or make it larger"
            ) from None
        if any(word in told for word in _MISSING_BUCKET):
            raise BucketAwayError(
                f"there is no bucket {self._url}; make it, or correct its name"
            ) from None
        raise BucketAwayError(
            f"the bucket {self._url} does not answer ({_reason(error)}); check its address, its "
            "keys and the network"
        ) from None


def _reason(error: Exception) -> str:
    """The first line of what a library says, less the dump that follows."""
    return str(error).split("\n", 1)[0].strip()[:300]
