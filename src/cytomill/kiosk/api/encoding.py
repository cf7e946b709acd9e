"""Answers that a client may keep, packed as it can unpack them."""

from __future__ import annotations

import imagecodecs
from starlette.requests import Request
from starlette.responses import Response

#: Bytes below which packing saves nothing.
_SMALL = 500

#: Of the ways to pack the better first; fast levels, for most of this is read once.
_LEVELS = {"zstd": 1, "gzip": 1}


#: What an answer that may be kept depends on: how it is packed, and who asks.
VARY = {"Vary": "Accept-Encoding, Authorization, Cookie"}


def encoded(
    request: Request, data: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    """``data``, packed in a way that the request accepts where that makes it smaller."""
    headers = {**(headers or {}), **VARY}
    accepted = _accepted(request.headers.get("accept-encoding", ""))
    name = next((one for one in _LEVELS if one in accepted), None)
    if name is not None and len(data) >= _SMALL:
        pack = imagecodecs.zstd_encode if name == "zstd" else imagecodecs.gzip_encode
        packed = bytes(pack(data, level=_LEVELS[name]))
        if len(packed) < len(data):
            return Response(
                packed, headers={**headers, "Content-Encoding": name}, media_type=media_type
            )
    return Response(data, headers=headers, media_type=media_type)


def known(request: Request, tag: str) -> bool:
    """Whether the request says that its client has what ``tag``, in quotes, stands for."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))


def _accepted(header: str) -> set[str]:
    found = set()
    for part in header.lower().split(","):
        name, _, rest = part.partition(";")
        if rest.replace(" ", "").rstrip("0.") != "q=":
            found.add(name.strip())
    return found
