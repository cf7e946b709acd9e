"""Bodies of HTTP requests and responses: large, maybe packed, never larger than is allowed."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...settings import settings
from .request import Code, ServerError

#: Bytes that a body may unpack to whatever its ratio: below it even a bomb does no harm.
_SMALL = 64 * 2**20

#: Seconds for which a body that is too large is still read, and thrown away: a client that is cut
#: off in the middle of sending reads no answer.
_LINGER = 10

#: What zlib calls the two ways of packing.
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class TooLargeError(ServerError):
    """A body is larger than is allowed; the status is HTTP's own, which gRPC lacks."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            Code.RESOURCE_EXHAUSTED,
            f"the body is larger than {limit} bytes; send fewer tensors or smaller ones",
        )


async def read_body(request: Request, limit: int) -> bytearray:
    """The body of ``request``, unpacked.

    Raises `TooLargeError` above ``limit`` bytes and `ServerError` for a damaged or unknown packing
    and a client that went away.
    """
    packing = request.headers.get("Content-Encoding", "identity").lower()
    if packing != "identity" and packing not in _WINDOWS:
        raise ServerError(
            Code.INVALID_ARGUMENT, f"no Content-Encoding {packing[:32]!r}; there are gzip, deflate"
        )
    length = request.headers.get("Content-Length", "0")
    announced = int(length) if length.isascii() and length.isdigit() else 0
    if announced > limit and "Expect" in request.headers:
        raise TooLargeError(limit)  # the client waits for leave to send
    body, until = bytearray(), time.monotonic() + _LINGER
    try:
        async for chunk in request.stream():
            if announced <= limit and len(body) + len(chunk) <= limit:
                body += chunk
                continue
            announced = limit + 1
            body.clear()
            if time.monotonic() > until:
                break
    except ClientDisconnect as error:
        raise ServerError(Code.CANCELLED, "the client went away") from error
    if announced > limit:
        raise TooLargeError(limit)
    return body if packing == "identity" else await asyncio.to_thread(_unpack, body, packing, limit)


def _unpack(packed: bytearray, packing: str, limit: int) -> bytearray:
    allowed = min(limit, max(_SMALL, len(packed) * settings.zip_ratio))
    unpacker = zlib.decompressobj(_WINDOWS[packing])
    try:
        found = bytearray(unpacker.decompress(packed, allowed + 1))
    except zlib.error as error:
        raise ServerError(Code.INVALID_ARGUMENT, f"the body is not {packing} ({error})") from error
    if len(found) > allowed:
        raise TooLargeError(allowed)
    if not unpacker.eof or unpacker.unused_data:
        raise ServerError(
            Code.INVALID_ARGUMENT, f"the body is cut short, or is more than {packing}"
        )
    return found


class Body(Response):
    """Several pieces of memory, sent one after the other without joining them."""

    def __init__(self, pieces: Sequence[memoryview], headers: Mapping[str, str]) -> None:
        self._pieces = pieces
        super().__init__(
            headers={**headers, "Content-Length": str(sum(map(len, pieces)))},
            media_type="application/octet-stream",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
