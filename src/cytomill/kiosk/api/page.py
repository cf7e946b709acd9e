"""The page: the files that the build made, at every address outside of the API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from ..built_page import FOLDER, lacking

#: Types by the end of a name: those of the system differ from machine to machine.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

#: What the build compresses files to, the smallest first: the coding's name and the file's end.
_CODINGS = {"br": ".br", "gzip": ".gz"}

#: Below here names hold a digest of the content: what a name stands for never changes.
_HASHED = "/assets/"

_INDEX = "/index.html"

_DEVICES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")

_NOT_BUILT = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cytomill: no page</title>
<style>
:root {{ color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
</style>
<h1>The page is not built</h1>
<p>This kiosk runs, but the files of its page are missing: {advice}. Then load this page again.</p>
<p>Everything else works: the command line, Python and HTTP.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page: its content by coding, "" being none."""

    type: str
    tag: str
    codings: Mapping[str, bytes]


class Page(BaseRoute):
    """A route that takes what is outside of ``/api``: files by name, else the page itself.

    The page finds its own way by the address, so that every address which a browser is pointed at
    is one page; what a program asks for and is not there is 404. ``issuer`` is the provider of
    sign-in, to which the page may speak; `allow` names others. A page that is built anew is read
    anew.
    """

    #: What metrics call this route.
    path = "page"

    def __init__(self, issuer: str = "", folder: Path = FOLDER) -> None:
        self._folder, self._issuer = folder, issuer
        self._headers = _headers(issuer)
        self._built: tuple[int, int] | None = None
        self._files: dict[str, _File] = {}

    def allow(self, *addresses: str) -> None:
        """Let the page ask and send to where ``addresses`` are, such as a bucket in a cloud."""
        self._headers = _headers(self._issuer, *addresses)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """FULL for what the page answers, else NONE, whatever else may answer then."""
        path = scope.get("path", "")
        if (
            scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or path == "/api"
            or path.startswith("/api/")
            or not self._has(path, Headers(scope=scope))
        ):
            return Match.NONE, {}
        return Match.FULL, {"route": self}

    def url_path_for(self, name: str, /, **path_params: Any) -> NoReturn:
        """There are no addresses to be made."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that matches."""
        request = Request(scope)
        file = self._find(request.url.path)
        answer = self._not_built() if file is None else self._answer(request, file)
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    def _has(self, path: str, headers: Headers) -> bool:
        """Whether a request is for a file, or comes from a browser that goes to an address."""
        self._read()
        if path == "/" or path in self._files:
            return True
        return "text/html" in headers.get("accept", "") and not path.startswith(_HASHED)

    def _find(self, path: str) -> _File | None:
        """The file at ``path``, else the page; None where that is not built."""
        return self._files.get(path) or self._files.get(_INDEX)

    def _read(self) -> None:
        """Have the files in memory as they are now.

        No path of a request becomes one of the disk: what is not among these is not there.
        """
        try:
            stat = (self._folder / _INDEX[1:]).stat()
            built = stat.st_mtime_ns, stat.st_size
            if built != self._built:
                self._files, self._built = _files(self._folder), built
        except OSError:  # there is none, or it is just being built
            self._files, self._built = {}, None

    def _answer(self, request: Request, file: _File) -> Response:
        hashed = request.url.path.startswith(_HASHED)
        headers = {
            **self._headers,
            "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
            "Vary": "Accept-Encoding",
        }
        accepted = _accepted(request.headers.get("accept-encoding", ""))
        coding = next((name for name in file.codings if name in accepted), "")
        tag = f'"{file.tag}{coding and "-" + coding}"'
        headers["ETag"] = tag
        if tag in (one.strip() for one in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        if coding:
            headers["Content-Encoding"] = coding
        return Response(file.codings[coding], 200, {**headers, "Content-Type": file.type})

    def _not_built(self) -> Response:
        advice = escape(lacking(self._folder) or "it was removed just now")
        headers = {**self._headers, "Cache-Control": "no-store", "Content-Type": _TYPES[".html"]}
        return Response(_NOT_BUILT.format(advice=advice), 503, headers)


def _files(folder: Path) -> dict[str, _File]:
    """The files in ``folder`` by their addresses, in every coding there is."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _TYPES or not path.is_file():
            continue
        content = path.read_bytes()
        codings = {
            coding: packed.read_bytes()
            for coding, end in _CODINGS.items()
            if (packed := path.with_name(path.name + end)).is_file()
        }
        tag = hashlib.sha256(content).hexdigest()[:32]
        address = f"/{path.relative_to(folder).as_posix()}"
        found[address] = _File(_TYPES[path.suffix], tag, {**codings, "": content})
    return found


def _headers(issuer: str, *others: str) -> dict[str, str]:
    """What every answer carries: the page loads nothing but from its own kiosk.

    It asks that, the provider of sign-in and ``others``. Styles may stand in elements: the
    components place what they draw by them. WebAssembly and workers decode pixels.
    """
    provider = _origin(issuer)
    asked = "".join(dict.fromkeys(_origin(address) for address in (issuer, *others)))
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "worker-src": "'self' blob:",
        "img-src": "'self' blob: data:",
        "style-src": "'self' 'unsafe-inline'",
        "connect-src": f"'self'{asked}",
        "form-action": f"'self'{provider}",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {told}" for name, told in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": ", ".join(f"{name}=()" for name in _DEVICES),
    }


def _origin(address: str) -> str:
    """A blank and the origin of an address, nothing of none."""
    parts = urlsplit(address)
    return f" {parts.scheme}://{parts.netloc}" if address else ""


def _accepted(told: str) -> set[str]:
    """The codings that a browser takes, of those the build makes."""
    found = set()
    for one in told.lower().split(","):
        coding, _, quality = one.partition(";")
        if quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            found.add(coding.strip())
    return found & _CODINGS.keys()
