"""What every answer goes through: faults become answers, headers are added, requests counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import CytomillError
from .common import ROOT
from .problems import answer as told
from .problems import fault

#: What keeps a browser from doing anything but showing or saving an answer.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

#: Called for each request: method, template of the route, status, seconds.
Count = Callable[[str, str, int, float], None]

#: The status in the metrics of answers whose client went away, as nginx has it.
_GONE = 499

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Envelope:
    """Middleware around all of the application.

    Where ``leaving`` says so connections are closed after their answer: the next one leads to a
    process that stays.
    """

    def __init__(self, app: ASGIApp, count: Count, leaving: Callable[[], bool]) -> None:
        self._app, self._count, self._leaving = app, count, leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = _GONE, time.monotonic()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._leaving():
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            if isinstance(error, CytomillError):  # it came up while the answer was sent
                answer = told(error)
            else:
                answer = fault(error, f"{scope['method']} {_route(scope)}")
            if status == _GONE:
                await answer(scope, receive, sent)
            # An answer that was begun is left unfinished: whoever reads it sees that it is.
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._count(method, _route(scope), status, time.monotonic() - started)


def _route(scope: Scope) -> str:
    """The template of the route below the root; a word of its own where there is none."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "none")).removeprefix(ROOT)
