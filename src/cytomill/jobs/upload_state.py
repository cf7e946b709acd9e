"""What Redis knows of uploads. ``scripts/uploads.lua`` begins with the table of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import redis

from .errors import MissingError, QuotaError
from .queue import PREFIX
from .redis import told

_ID = re.compile(r"[0-9a-f]{24}")

#: Seconds that a job may take to be submitted after its uploads were held.
_GRACE = 120

#: Seconds that an upload which is due but in use is kept longer.
_LONGER = 3600

#: Milliseconds after which whoever puts a large file together has died over it.
_CLOSING = 60_000


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file that is sent in ``pieces``, all but the last of ``piece_bytes``.

    ``whole`` says that all are there; only where they stay objects is it known then.
    """

    path: str
    bytes: int
    piece_bytes: int
    whole: bool = False

    @property
    def pieces(self) -> int:
        """How many there are."""
        return -(-self.bytes // self.piece_bytes)

    def length(self, piece: int) -> int:
        """Bytes of piece ``piece``."""
        return min(self.piece_bytes, self.bytes - piece * self.piece_bytes)

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> LargeFile:
        """From what `to_json` gave."""
        return cls(**json.loads(text))


class UploadState:
    """What the Redis that ``client`` speaks to knows of uploads; safe to use from several threads.

    Every method raises `QueueAwayError` where Redis does not answer, and those that say so
    `MissingError` where there is no such upload.
    """

    def __init__(self, client: redis.Redis, quota: int) -> None:
        self._client, self._quota = client, quota
        folder = files(__package__).joinpath("scripts")
        common = folder.joinpath("uploads.lua").read_text()
        self._scripts = {
            name: client.register_script(common + folder.joinpath(f"upload_{name}.lua").read_text())
            for name in _SCRIPTS
        }

    def _run(self, name: str, *arguments: Any) -> Any:
        with told():
            return self._scripts[name](args=arguments)

    def create(self, name: str, owner: str, title: str, days: float, most: int) -> bool:
        """Make an upload; False where the owner has ``most``."""
        return bool(self._run("create", name, owner, title, days, most))

    def find(self, name: str) -> Mapping[str, str] | None:
        """The fields of an upload; None where there is none."""
        if not _ID.fullmatch(name):  # what is no id must not become part of a key
            return None
        with told():
            stored: dict[str, str] = self._client.hgetall(f"{PREFIX}upload:{name}")
        return stored if _is_there(stored) else None

    def list(
        self, owner: str | None, before: float | None, count: int
    ) -> dict[str, Mapping[str, str]]:
        """Fields of uploads of ``owner``, or of all, made ``before``, by id; newest first."""
        index = f"{PREFIX}uploads" if owner is None else f"{PREFIX}user:{owner}:uploads"
        limit = "+inf" if before is None else f"({before!r}"
        with told():
            names = self._client.zrevrangebyscore(index, limit, "-inf", start=0, num=count)
            pipe = self._client.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(f"{PREFIX}upload:{name}")
            rows = zip(names, pipe.execute(), strict=True)
        return {name: stored for name, stored in rows if _is_there(stored)}

    def used(self, owner: str) -> int:
        """Bytes of ``owner``'s uploads."""
        with told():
            return int(self._client.get(f"{PREFIX}user:{owner}:bytes") or 0)

    def begin(self, name: str, digest: str, ticket: str) -> LargeFile | None:
        """Begin to write a file; the large one with that path, if any. Raises `MissingError`."""
        alive, large = self._run("begin", name, digest, ticket)
        if not alive:
            raise MissingError
        return LargeFile.from_json(large) if large else None

    def reserve(self, name: str, size: int, files: int) -> None:
        """Count ``size`` bytes more. Raises `MissingError`, and `QuotaError` where they are too
        many.
        """
        outcome = self._run("reserve", name, size, files, self._quota)
        if outcome == "gone":
            raise MissingError
        if outcome == "quota":
            raise self._too_many()

    def end(
        self,
        name: str,
        digest: str,
        ticket: str,
        *,
        written: bool,
        size: int,
        files: int = 0,
        replaced: int = 0,
        counted: int = 0,
    ) -> bool:
        """A file was written, or not; False where the upload has gone meanwhile."""
        return bool(
            self._run(
                "end", name, digest, ticket, int(written), size, files, replaced, counted
            )
        )  # fmt: skip

    def hold(self, name: str, job: str) -> bool:
        """Keep an upload; see `Uploads.hold`."""
        return bool(self._run("hold", name, job))

    def doom(self, name: str) -> str:
        """Let nobody find an upload: ``doomed``, ``used`` or ``none``."""
        return str(self._run("doom", name, _GRACE, _LONGER))

    def forget(self, name: str) -> None:
        """Remove what is known of an upload whose files are gone."""
        self._run("forget", name)

    def large(self, name: str, digest: str, file: LargeFile) -> LargeFile:
        """Begin a large file, or go on with the one that is there.

        Raises `MissingError` and `QuotaError`.
        """
        arguments = (name, digest, file.to_json(), file.bytes, self._quota)
        outcome, known = self._run("large", *arguments)
        if outcome == "gone":
            raise MissingError
        if outcome == "quota":
            raise self._too_many()
        return LargeFile.from_json(known)

    def large_file(self, name: str, digest: str) -> LargeFile | None:
        """A large file; None where there is none."""
        with told():
            stored = self._client.hget(f"{PREFIX}upload:{name}:large", digest)
        return LargeFile.from_json(stored) if stored else None

    def large_files(self, name: str) -> dict[str, LargeFile]:
        """The large files of an upload, by the digests of their paths."""
        with told():
            stored = self._client.hgetall(f"{PREFIX}upload:{name}:large")
        return {digest: LargeFile.from_json(text) for digest, text in stored.items()}

    def piece(self, name: str, digest: str, piece: int = -1) -> bool:
        """A piece is there; False where the file is not wanted any more."""
        return bool(self._run("piece", name, digest, piece))

    def have(self, name: str, digest: str) -> bytes:
        """A bit for each piece, from the highest of the first byte on."""
        with told():
            command = ("GET", f"{PREFIX}upload:{name}:have:{digest}")
            # Bytes above 127 are not text.
            return bytes(self._client.execute_command(*command, NEVER_DECODE=1) or b"")

    def claim(self, name: str, digest: str, ticket: str) -> bool:
        """Whether the caller alone puts a large file together."""
        key = f"{PREFIX}upload:{name}:closing:{digest}"
        with told():
            return bool(self._client.set(key, ticket, nx=True, px=_CLOSING))

    def unclaim(self, name: str, digest: str) -> None:
        """Let others put the file together."""
        with told():
            self._client.delete(f"{PREFIX}upload:{name}:closing:{digest}")

    def close(
        self, name: str, digest: str, kept: LargeFile | None, *, size: int = 0, files: int = 0
    ) -> bool:
        """A large file was put together, and is ``kept`` as one of pieces or not, or given up."""
        return bool(
            self._run("close", name, digest, kept.to_json() if kept else "", size, files)
        )  # fmt: skip

    def _too_many(self) -> QuotaError:
        return QuotaError(f"your uploads may have {self._quota:,} bytes; delete some")


def _is_there(stored: Mapping[str, str]) -> bool:
    return "owner" in stored and stored.get("state") != "deleting"


_SCRIPTS = (
    "create",
    "begin",
    "reserve",
    "end",
    "hold",
    "doom",
    "forget",
    "large",
    "piece",
    "close",
)
