"""The contract of what is behind a bucket: one file for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

#: Bytes of a chunk in which objects are read.
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a bucket: ``modified`` in seconds since 1970; ``version`` is another after it
    was put again.
    """

    key: str
    size: int
    modified: float
    version: str = ""


class Store(Protocol):
    """What `cytomill.jobs.bucket.Bucket` says of each method; keys are checked already."""

    def put(self, key: str, data: memoryview) -> None: ...  # noqa: D102
    def put_file(self, key: str, path: Path, *, move: bool) -> None: ...  # noqa: D102
    def put_stream(self, key: str, chunks: Iterable[bytes]) -> int: ...  # noqa: D102
    def get(self, key: str) -> bytes: ...  # noqa: D102
    def stream(self, key: str, start: int, length: int | None) -> Iterator[bytes]: ...  # noqa: D102
    def find(self, key: str) -> Object | None: ...  # noqa: D102
    def list(self, prefix: str) -> Iterator[Object]: ...  # noqa: D102
    def delete(self, keys: Iterable[str]) -> None: ...  # noqa: D102
    def delete_folder(self, prefix: str) -> None: ...  # noqa: D102
    def path(self, key: str) -> Path | None: ...  # noqa: D102
    def download(self, key: str, path: Path) -> None: ...  # noqa: D102
    def sign(self, key: str, method: str, seconds: int) -> str | None: ...  # noqa: D102
    def ping(self) -> None: ...  # noqa: D102
    def sweep(self) -> None: ...  # noqa: D102
