"""Requests to a kiosk, asked again while it is away or busy."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import quote

import httpx

from ..errors import CytomillError, PermanentError
from ..settings import settings
from ..version import __version__
from .errors import ServerAwayError, ServerBusyError, TooFastError, answered
from .server import API, Server

#: Answers that may be others on another try: too many requests, and what is away behind a server.
_AGAIN = (429, 502, 503, 504)

#: Seconds for which a kiosk that never answered is asked: enough for one that is just starting to
#: listen, and no long wait for who mistyped its address.
_FIRST = 3.0

#: Seconds before a request is sent again the first time, and at most.
_SHORT, _LONG = 0.2, 5.0

#: Seconds that a connection may take, and that a kiosk may be silent within an answer.
_CONNECT, SILENT = 10.0, 120.0

#: What is sent: bytes, or what makes them anew for each try.
Body = bytes | Callable[[], AsyncIterator[bytes]]

#: Told once, in words, that a kiosk is away or busy and is asked again.
Notify = Callable[[str], None]


class Patience:
    """How long one request is tried again, at growing intervals."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.server = http.server.url
        self._begun = time.monotonic()
        self._delay = _SHORT
        self._told = False

    def renew(self) -> None:
        """Something came: what fails now fails for the first time."""
        self._begun, self._delay = time.monotonic(), _SHORT

    async def wait(self, fault: CytomillError, after: float = 0.0) -> None:
        """Wait before the next try, ``after`` seconds at least. Raises ``fault`` when time is up.

        What would fail again in the same way is raised at once.
        """
        away = isinstance(fault, ServerAwayError) and not self._http.answered
        limit = min(_FIRST, self._http.retry_seconds) if away else self._http.retry_seconds
        spent = time.monotonic() - self._begun
        if isinstance(fault, PermanentError) or spent + after >= limit:
            raise fault
        # Who sends as fast as a kiosk allows need not be told at every turn.
        tell = not away and not self._told and not isinstance(fault, TooFastError)
        if tell and self._http.notify is not None:
            self._http.notify(f"{fault} (asking again for {limit:.0f} s)")
            self._told = True
        # Spread out: a thousand clients must not all come back at one moment.
        pause = self._delay * random.uniform(0.5, 1.0)
        await asyncio.sleep(min(max(pause, after), limit - spent))
        self._delay = min(self._delay * 2, _LONG)


class Http:
    """The connections to one kiosk. To be used, and closed, within one event loop."""

    def __init__(
        self,
        server: Server,
        *,
        parallel: int,
        retry_seconds: float | None = None,
        notify: Notify | None = None,
    ) -> None:
        self.server = server
        self.retry_seconds = settings.retry_seconds if retry_seconds is None else retry_seconds
        self.notify = notify
        #: Whether the kiosk ever answered: one that never did may not be there at all.
        self.answered = False
        #: Whether the bucket may sign addresses and be reached from here: it may be behind a wall.
        self.direct = True
        headers = {"User-Agent": f"cytomill/{__version__}"}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=parallel + 2)
        timeout = httpx.Timeout(SILENT, connect=_CONNECT)
        #: For addresses that are signed themselves: they must not be shown the token.
        self._bare = httpx.AsyncClient(headers=headers, limits=limits, timeout=timeout)
        if server.token:
            headers["Authorization"] = f"Bearer {server.token}"
        self._own = httpx.AsyncClient(headers=headers, limits=limits, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._own.aclose()
        await self._bare.aclose()

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON at ``path`` below the API; parameters that are None are left out."""
        return await self.call("GET", path, params=params)

    async def call(
        self,
        method: str,
        path: str,
        *,
        told: Any = None,
        params: Mapping[str, Any] | None = None,
        body: Body | None = None,
        form: Sequence[tuple[str, bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask, and return the JSON of the answer, None where it is empty.

        ``told`` is sent as JSON, ``body`` as it is, ``form`` as files with their names. Whatever is
        asked must be safe to ask twice.
        Raises `AnswerError` where the kiosk refuses, `ServerAwayError` and `ServerBusyError`
        where it stays away or busy.
        """
        patience = Patience(self)
        given = {key: value for key, value in (params or {}).items() if value is not None}
        while True:
            try:
                response = await self._own.request(
                    method,
                    self.address(path),
                    json=told,
                    params=given,
                    content=body() if callable(body) else body,
                    files=None if form is None else [("files", file) for file in form],
                    headers=dict(headers or {}),
                )
            except httpx.HTTPError as error:
                await patience.wait(self.away(error))
                continue
            self.answered = True
            if response.status_code < 300:
                return self._json(response)
            await patience.wait(*self.refused(response))

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        timeout: float = SILENT,
    ) -> AsyncIterator[httpx.Response]:
        """The answer to GET, its body not yet read; one try.

        Where the kiosk sends on to a signed address, the answer is that one's. Raises
        `httpx.HTTPError`, also within the block.
        """
        limits = httpx.Timeout(timeout, connect=_CONNECT)
        sent = dict(headers)
        address = self.address(path)
        async with self._own.stream(
            "GET", address, params=params, headers=sent, timeout=limits
        ) as response:
            self.answered = True
            onward = response.headers.get("location") if response.status_code == 307 else None
            if onward is None:
                yield response
                return
        try:
            async with self._bare.stream("GET", onward, headers=sent, timeout=limits) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self.direct = False
            raise

    async def put_signed(self, url: str, body: Body, length: int) -> bool:
        """Send ``length`` bytes to a signed address, once; returns whether they arrived."""
        content = body() if callable(body) else body
        headers = {"Content-Length": str(length)}
        try:
            answer = await self._bare.put(url, content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self.direct = False
            return False
        except httpx.HTTPError:
            return False
        return answer.is_success

    def address(self, path: str) -> str:
        """The address of ``path`` below the API."""
        return f"{self.server.url}{API}{path}"

    def away(self, error: Exception) -> CytomillError:
        """What a failed connection means for the user."""
        url = self.server.url
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return PermanentError(
                    f"{url}: its certificate is not trusted ({cause.verify_message}); set "
                    "SSL_CERT_FILE to the certificate of your institute, or check the address"
                )
            if isinstance(cause, ssl.SSLError):
                return PermanentError(
                    f"{url}: does not speak TLS ({cause.reason or 'no handshake'}); is it http:// "
                    "rather than https://?"
                )
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return PermanentError(f"{url}: cannot be asked ({error}); check the address")
        reason = _reason(error)
        return ServerAwayError(
            f"{url}: no kiosk answers ({reason}); start one with 'cytomill serve', or name it with "
            "--server or CYTOMILL_SERVER"
        )

    def refused(self, response: httpx.Response) -> tuple[CytomillError, float]:
        """What an answer that is no success means, and the seconds to wait before another try."""
        error = answered(self.server.url, response.status_code, _told(response))
        # One who has too much already does not get less by waiting here.
        if response.status_code not in _AGAIN or error.code == "quota":
            return error, 0.0
        after = response.headers.get("retry-after", "")
        kind = TooFastError if response.status_code == 429 else ServerBusyError
        return kind(str(error)), float(after) if after.isdecimal() else 0.0

    def _json(self, response: httpx.Response) -> Any:
        if response.status_code == 204 or not response.content:
            return None
        told = _told(response)
        if told is None:
            raise answered(self.server.url, response.status_code, None)
        return told


def part(name: str) -> str:
    """``name`` as one or more segments of an address."""
    return quote(name, safe="/")


def _told(response: httpx.Response) -> Any:
    """The JSON of an answer, None where it has none."""
    if not response.headers.get("content-type", "").partition(";")[0].endswith("json"):
        return None
    try:
        return response.json()
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {_CONNECT:.0f} s"
    if isinstance(error, httpx.TimeoutException):
        return f"silent for {SILENT:.0f} s"
    if isinstance(error, httpx.ConnectError) and "All connection attempts failed" in str(error):
        return "connection refused"
    return " ".join(str(error).split()) or "connection lost"
