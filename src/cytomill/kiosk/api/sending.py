"""Sending an object of the bucket: in chunks, from any byte on, and not again where it is known."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import chain
from pathlib import PurePosixPath
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ...jobs.bucket import Bucket
from ...jobs.errors import MissingError
from .problems import RefusedError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def send(request: Request, bucket: Bucket, key: str, name: str, tag: str) -> Response:
    """The object ``key`` as the file ``name``; ``tag`` changes with its content.

    Raises `MissingError` where there is none, `RefusedError` for a range of which it has no byte.
    """
    size = bucket.size(key)
    if size is None:
        raise MissingError(f"{name}: its file is gone; the job may have been deleted")
    tag = f'"{tag}"'
    headers = {**attached(name), "ETag": tag, "Accept-Ranges": "bytes"}
    known = request.headers.get("if-none-match", "")
    if tag in (one.strip().removeprefix("W/") for one in known.split(",")) or known == "*":
        return Response(status_code=304, headers=headers)
    part = _part(request.headers, tag, size)
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    chunks = begun(bucket.stream(key, start, end - start)) if end > start else iter(())
    return StreamingResponse(chunks, 206 if part else 200, headers, "application/octet-stream")


def attached(name: str) -> dict[str, str]:
    """Headers that make a browser save the answer as ``name``, whatever it holds."""
    last = quote(PurePosixPath(name).name, safe="")
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{last}"}


def begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """``chunks``, of which the first was read: what cannot be read is told by the status."""
    return chain([next(chunks, b"")], chunks)


async def streamed(chunks: Iterator[bytes], limiter: CapacityLimiter) -> AsyncIterator[bytes]:
    """``chunks``, each of which is made in a thread of ``limiter``, for that may take a while.

    Who receives them slowly takes no thread meanwhile.
    """
    while (chunk := await run_sync(next, chunks, None, limiter=limiter)) is not None:
        yield chunk


def _part(headers: Mapping[str, str], tag: str, size: int) -> tuple[int, int] | None:
    """First byte and end of what is asked for; None for all of it.

    What is no single range of bytes, or is of another version of the file, asks for all.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or headers.get("if-range", tag) != tag or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise RefusedError(
            416,
            "range_not_satisfiable",
            f"the file has {size} bytes",
            "ask for bytes that are there",
            {"Content-Range": f"bytes */{size}"},
        )
    return start, end
