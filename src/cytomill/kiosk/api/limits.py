"""What every request goes through: how much may be sent, and what is written down of it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..audit import Audit
from .problems import problem

#: Bytes of a body that is not a file: a job with a thousand inputs has a fifth of it.
MOST_BODY = 2**20

#: Methods that change something.
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")

#: Statuses of refusals; of 404 where it is known who asks, who may look for what is another's.
_REFUSALS = (401, 403, 413, 429)

#: Lines a second about refusals of nobody known: they must not fill the disk.
_UNKNOWN = 20

#: What is told of an address, by what the routes call it: ids, and nothing that a user wrote.
_IDS = {"job_id": "job", "index": "item", "upload": "upload", "token": "token", "share": "share"}
_ID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{32}|[0-9]{1,9}")

#: Where bodies are files: those routes see to them.
_FILES = re.compile(
    r"(PUT /api/v1/uploads/[^/]+/(files|large)/.*)|(POST /api/v1/uploads/[^/]+/files)"
)


class Watched:
    """Middleware that refuses bodies which are too large, and writes the audit log."""

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app, self._audit = app, audit
        self._second, self._lines, self._left_out = 0, 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, made = 500, ""

        async def sent(message: Message) -> None:
            nonlocal status, made
            if message["type"] == "http.response.start":
                status = message["status"]
                made = Headers(raw=message.get("headers", [])).get("location", "")
            await send(message)

        try:
            if _FILES.fullmatch(f"{scope['method']} {scope['path']}"):
                await self._app(scope, receive, sent)
            elif _announced(scope) > MOST_BODY:
                await problem(413, _TOO_LARGE)(scope, receive, sent)
            else:
                await self._app(scope, _bounded(receive), sent)
        finally:
            self._tell(scope, status, made)

    def _tell(self, scope: Scope, status: int, made: str) -> None:
        caller = scope.get("state", {}).get("caller")
        refused = status in _REFUSALS or (status == 404 and caller is not None)
        if scope["method"] not in _CHANGES and not refused:
            return
        if caller is None and not self._room():
            return
        left_out, self._left_out = self._left_out, 0
        name = made.rpartition("/")[2]
        self._audit.write(
            user=caller.user if caller is not None else None,
            address=scope["client"][0] if scope.get("client") else None,
            method=scope["method"],
            route=_route(scope),
            status=status,
            **_ids(scope.get("path_params", {})),
            made=name if _ID.fullmatch(name) else None,
            left_out=left_out or None,
        )

    def _room(self) -> bool:
        """Whether one more line about nobody known may be written in this second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        self._left_out += self._lines > _UNKNOWN
        return self._lines <= _UNKNOWN


_TOO_LARGE = f"a body that is not a file may have {MOST_BODY:,} bytes"


def _bounded(receive: Receive) -> Receive:
    """``receive``, which gives no more than may be sent."""
    read = 0

    async def received() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BODY:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return received


def _announced(scope: Scope) -> int:
    """Bytes that a body says it has; 0 where it does not."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _route(scope: Scope) -> str:
    """The template of the route below the API, in which nothing stands that a user wrote."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "none")).removeprefix("/api/v1")


def _ids(parameters: Mapping[str, Any]) -> dict[str, str]:
    found = {_IDS[name]: str(value) for name, value in parameters.items() if name in _IDS}
    return {name: value for name, value in found.items() if _ID.fullmatch(value)}
