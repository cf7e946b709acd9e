"""The cookie of a page that is signed in, and that no other page makes use of it."""

from __future__ import annotations

import math
import time
from urllib.parse import urlsplit

from fastapi import Request, Response

from .problems import RefusedError

#: What the cookie is called, and the addresses that it is sent to.
NAME, _PATH = "cytomill_session", "/api"

#: Bytes of a cookie that all browsers keep, less its name and attributes.
MOST = 3800


def kept(request: Request) -> str | None:
    """The secret in the cookie, if there is one.

    Raises `RefusedError` where the browser sends it for a page of another site.
    """
    secret = request.cookies.get(NAME)
    if not secret:
        return None
    check_own(request)
    return secret


def check_own(request: Request) -> None:
    """Raises `RefusedError` unless the request is from a page of this kiosk, or from no page.

    Browsers say so in Sec-Fetch-Site; where the address is plain HTTP they do not, and name the
    page's own address in Origin when something is to be changed.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = request.headers.get("origin")
        own = origin is None or _host(origin) == request.headers.get("host", "").lower()
    else:
        own = site in ("same-origin", "none")
    if not own:
        raise RefusedError(
            403,
            "not_allowed",
            "this request is from a page of another site",
            "use the kiosk's own page, or send Authorization: Bearer TOKEN",
        )


def _host(origin: str) -> str | None:
    # The scheme is left out: behind a proxy with TLS it may be another than the browser's.
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def keep(request: Request, response: Response, secret: str, expires: float) -> None:
    """Have the browser keep ``secret`` until ``expires``; for 0 until it is closed."""
    response.set_cookie(
        NAME,
        secret,
        max_age=max(1, math.ceil(expires - time.time())) if expires else None,
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def forget(request: Request, response: Response) -> None:
    """Have the browser drop the cookie."""
    response.delete_cookie(
        NAME,
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
