"""Receiving: bodies that go to the bucket as they come, never whole in memory."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from .problems import RefusedError

T = TypeVar("T")

#: Bytes that are handed on at once.
_CHUNK = 2**20

#: Seconds after which a client that sends nothing is given up.
_SILENCE = 60.0

#: Bodies that are received at once, of all and of one user; others wait unread.
_AT_ONCE, _OF_A_USER = 64, 16

_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


class Receivers:
    """Threads that write what is received. A slow client holds one of these, and nothing else."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="receiver")
        self._lanes: dict[str, tuple[asyncio.Semaphore, int]] = {}

    async def run(self, user: str, body: Body | None, work: Callable[[], T]) -> T:
        """What ``work`` returns, done in a thread while ``body`` is read."""
        async with self._lane(user):
            try:
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
            except Exception:
                # What went wrong with the body says more than what a bucket makes of it.
                if body is not None and body.fault is not None:
                    raise body.fault from None
                raise

    @asynccontextmanager
    async def _lane(self, user: str) -> AsyncIterator[None]:
        lane, users = self._lanes.get(user) or (asyncio.Semaphore(_OF_A_USER), 0)
        self._lanes[user] = lane, users + 1
        try:
            async with lane:
                yield
        finally:
            lane, users = self._lanes.pop(user)
            if users > 1:
                self._lanes[user] = lane, users - 1


class Body:
    """The body of a request, of at most ``most`` bytes.

    Made where the request is handled, read in another thread. ``fault`` is why it could not be.
    """

    def __init__(self, request: Request, most: int, advice: str) -> None:
        """Raises `RefusedError` for a body that says it is larger, before any of it is read."""
        self._loop = asyncio.get_running_loop()
        self._most, self._advice = most, advice
        self.size = _announced(request)
        if self.size is not None and self.size > most:
            raise _too_large(most, advice)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise RefusedError(
                415,
                "unsupported_media_type",
                "the body is compressed",
                "send files as they are, without Content-Encoding",
            )
        self._wanted = _digest(request.headers.get("content-digest"))
        self._stream = request.stream()
        self.fault: Exception | None = None

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come. Raises `RefusedError` where they are too many or damaged."""
        read, found = 0, hashlib.sha256()
        try:
            while chunk := asyncio.run_coroutine_threadsafe(self._next(), self._loop).result():
                read += len(chunk)
                if read > self._most:
                    raise _too_large(self._most, self._advice)
                if self._wanted:
                    found.update(chunk)
                yield chunk
            if self._wanted and not hmac.compare_digest(self._wanted, found.digest()):
                raise RefusedError(
                    422, "digest", "the bytes are not those of Content-Digest", "send them again"
                )
        except ClientDisconnect:
            # Nobody reads this answer; the log does.
            self.fault = RefusedError(400, "disconnected", "the client went away", "send it again")
            raise self.fault from None
        except TimeoutError:
            self.fault = RefusedError(
                408, "silent", f"nothing was sent for {_SILENCE:g} s", "send it again"
            )
            raise self.fault from None
        except Exception as error:
            self.fault = error
            raise

    async def _next(self) -> bytes:
        """The next bytes, about `_CHUNK` of them; empty at the end."""
        parts, size = [], 0
        async with asyncio.timeout(_SILENCE):
            async for part in self._stream:
                parts.append(part)
                size += len(part)
                if size >= _CHUNK:
                    break
        return b"".join(parts)


def _announced(request: Request) -> int | None:
    """Bytes that a body says it has."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _too_large(most: int, advice: str) -> RefusedError:
    """A body has more than ``most`` bytes."""
    return RefusedError(413, "too_large", f"a body may have {most:,} bytes here", advice)


def _digest(header: str | None) -> bytes | None:
    """The SHA-256 that ``Content-Digest`` gives, see RFC 9530."""
    if header is None:
        return None
    for part in header.split(","):
        if match := _DIGEST.fullmatch(part.strip()):
            try:
                return base64.b64decode(match[1], validate=True)
            except binascii.Error:
                break
    raise RefusedError(
        422,
        "digest",
        "Content-Digest: cannot be used",
        "write sha-256=:BASE64:, or leave it out",
    )
