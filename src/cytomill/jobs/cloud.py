"""A bucket of S3, Google Cloud or Azure, or of a server that speaks as one of them does.

Keys and addresses are read as their own programs do, from ``AWS_*``, ``GOOGLE_*`` and ``AZURE_*``
in the environment or from the machine's role: ``AWS_ENDPOINT_URL`` names another server than
Amazon's, and ``AWS_ALLOW_HTTP`` allows one without TLS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..errors import CytomillError, InputError, OptionError
from .errors import BucketAwayError, BucketFullError, MissingError
from .keys import UNFINISHED
from .store import Object

try:
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import from_url
except ModuleNotFoundError:
    raise OptionError(
        "buckets of clouds need more libraries; install them: pip install cytomill[kiosk]"
    ) from None

if TYPE_CHECKING:
    from obstore import HTTP_METHOD, ObjectMeta, SignCapableStore

#: Times that a request is tried again, and seconds after which no more: who calls knows better
#: whether to wait longer, an API answers 503 and a consumer tries the task again.
_RETRIES, _PATIENCE = 5, 10

#: Bytes that one request takes or gives, and how many are under way at once for an object. The
#: library gives each 30 s, however slow those are who send or take the bytes of the whole.
_PART, _AT_ONCE = 8 * 2**20, 4

#: S3 takes no more parts of an object.
_PARTS = 10_000

#: Objects that are removed with one request, and files of a folder that are copied at once.
_BATCH, _COPIES = 1000, 8

#: What servers say when they are full: of the protocol, of MinIO, Ceph and others.
_FULL = ("507 Insufficient Storage", "StorageFull", "QuotaExceeded", "InsufficientCapacity")

#: What the library says when it lists a key such as ``a//b``.
_UNCLEAN = "object with invalid path"

#: What servers say of a request that was signed at another time than theirs.
_SKEWED = ("RequestTimeTooSkewed", "request time and the current time is too large")

#: What the library says of requests that are refused for their keys.
_REFUSED = re.compile(r"status code: 40[13]\b")

#: What a server says in its answer, and the library of the time that it took.
_SAID = re.compile(r"<Code>([^<\n]+)</Code>(?:\s*<Message>([^<\n]+)</Message>)?")
_TOOK = re.compile(r" in [\d.]+(?:ns|µs|ms|s)\b")

_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")


class CloudStore:
    """A bucket, or what lies below a prefix of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            # No options of the client: they would hide those of the environment.
            store = from_url(
                url,
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
            part = max(_PART, path.stat().st_size // (_PARTS - 1))
            with path.open("rb") as file, self._told():
                obstore.put(self._store, key, file, chunk_size=part, max_concurrency=_AT_ONCE)
        if move:
            path.rmdir() if path.is_dir() else path.unlink()

    def get(self, key: str) -> bytes:
        """See `Bucket.get`."""
        return b"".join(self.stream(key, 0, None))

    def stream(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        """See `Bucket.stream`."""
        if start or length is not None:
            with self._told(key):
                told = obstore.head(self._store, key)
            end = told["size"] if length is None else min(told["size"], start + length)
            return self._chunks(key, start, end, told["e_tag"])
        with self._told(key):
            whole = obstore.get(self._store, key)
            if whole.meta["size"] <= _PART:  # as nearly all are: one request
                return iter((bytes(whole.bytes()),))
        return self._chunks(key, 0, whole.meta["size"], whole.meta["e_tag"])

    def find(self, key: str) -> Object | None:
        """See `Bucket.find`."""
        try:
            with self._told(key):
                return _object(obstore.head(self._store, key))
        except MissingError:
            return None

    def list(self, prefix: str) -> Iterator[Object]:
        """See `Bucket.list`."""
        before: Object | None = None
        for found in self._listed(prefix):
            # The consoles of clouds make an empty object where they show a folder.
            marks = before and not before.size and found.key.startswith(f"{before.key}/")
            if before and not marks:
                yield before
            before = found
        if before:
            yield before

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
        self.delete(found.key for found in self._listed(prefix))

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

    def _listed(self, prefix: str) -> Iterator[Object]:
        with self._told():
            for batch in obstore.list(self._store, prefix or None, chunk_size=_BATCH):
                for found in batch:
                    if not found["path"].startswith(f"{UNFINISHED}/"):
                        yield _object(found)

    def _chunks(self, key: str, start: int, end: int, version: str | None) -> Iterator[bytes]:
        """A range of an object that stays the same all the while."""
        for first in range(start, end, _PART):
            span = (first, min(end, first + _PART))
            with self._told(key):
                got = obstore.get(self._store, key, options={"range": span, "if_match": version})
                chunk = bytes(got.bytes())
            yield chunk

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
            if key is not None and not any(word in str(error) for word in _NO_BUCKET):
                raise MissingError(f"{key}: is not there") from None
            raise self._fault(error) from None
        except BaseError as error:
            raise self._fault(error) from None

    def _fault(self, error: FileNotFoundError | BaseError) -> CytomillError:
        told = str(error)
        if _UNCLEAN in told:  # of another program: nothing that waiting would change
            return InputError(
                self._url, _reason(error), "rename that object, or take a prefix without it"
            )
        if any(word in told for word in _FULL):
            return BucketFullError(
                f"the bucket {self._url} is full; delete jobs and uploads, or make it larger"
            )
        if isinstance(error, FileNotFoundError) or any(word in told for word in _NO_BUCKET):
            return BucketAwayError(
                f"there is no bucket {self._url}; make it or correct its name", told="is not there"
            )
        if any(word in told for word in _SKEWED):
            return BucketAwayError(
                f"the bucket {self._url} finds the clock of this machine wrong ({_reason(error)}); "
                "set it (NTP)",
                told="finds the clock of a machine wrong",
            )
        refused = isinstance(error, (PermissionDeniedError, UnauthenticatedError))
        if refused or _REFUSED.search(told):  # of a list the library has no such error
            return BucketAwayError(
                f"the bucket {self._url} refuses these keys ({_reason(error)}); give others in the "
                "environment",
                told="refuses the keys that it is asked with",
            )
        return BucketAwayError(
            f"the bucket {self._url} does not answer ({_reason(error)}); check its address, its "
            "keys and the network"
        )


def _object(meta: ObjectMeta) -> Object:
    modified = meta["last_modified"].timestamp()
    # Of the same bytes the tag is the same, and a time counts seconds: together they tell enough.
    return Object(meta["path"], meta["size"], modified, f"{meta['e_tag']} {modified:.0f}")


def _reason(error: Exception) -> str:
    """What the server said, where the library tells it.

    Else the first line of what the library says, less the dump that follows and the time it took,
    so that the same fault is told in the same words.
    """
    told = str(error)
    if found := _SAID.search(told):
        return ": ".join(part for part in found.groups() if part)[:300]
    return _TOOK.sub("", told.split("\n", 1)[0]).strip()[:300]
