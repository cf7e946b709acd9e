"""Errors as the API answers them: ``application/problem+json`` with a code and a hint."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from ...errors import (
    CytomillError,
    InputError,
    ModelError,
    OptionError,
    OutputError,
    PermanentError,
    TemporaryError,
    UnreachableError,
)
from ...jobs.errors import (
    BucketAwayError,
    BucketFullError,
    ConflictError,
    MissingError,
    QueueAwayError,
    QueueFullError,
    QuotaError,
)

MEDIA_TYPE = "application/problem+json"

#: Seconds after which a client should ask again for what is away.
RETRY_AFTER = 2

_LOG = logging.getLogger("cytomill.api")


class Problem(BaseModel):
    """Why a request was not answered."""

    type: str = Field(description="Always `about:blank`: `code` tells the kinds apart.")
    title: str = Field(description="What the status means.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What went wrong, for people.")
    code: str = Field(description="What went wrong, for programs.")
    hint: str = Field(description="What to do about it.")


class RefusedError(PermanentError):
    """The request is refused.

    ``status`` and ``code`` say how the API answers, ``hint`` what to do, ``headers`` what else the
    answer carries.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        hint: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.detail, self.hint = status, code, detail, hint
        self.headers = dict(headers or {})
        super().__init__(f"{detail}; {hint}")


#: What the statuses of errors are called, and the code and hint where nothing else is known.
STATUSES = {
    400: ("Bad request", "bad_request", "correct the request; see /api/v1/openapi.json"),
    401: ("Not signed in", "not_signed_in", "send a valid token: Authorization: Bearer TOKEN"),
    403: ("Not allowed", "not_allowed", "use a token with the scope that this needs"),
    404: ("Not found", "not_found", "check the address; see /api/v1/openapi.json"),
    405: ("Method not allowed", "method_not_allowed", "use a method that Allow names"),
    408: ("Timed out", "timed_out", "send it again"),
    409: ("Conflict", "conflict", "look at the present state, then ask again"),
    411: ("Length required", "length_required", "send a Content-Length"),
    413: ("Too large", "too_large", "send less; files that are large go in pieces"),
    415: ("Unsupported media type", "unsupported_media_type", "send application/json"),
    416: ("Range not satisfiable", "range_not_satisfiable", "ask for bytes that are there"),
    422: ("Not usable", "not_usable", "correct what is named; see /api/v1/openapi.json"),
    429: ("Too many", "too_many", "wait, then ask again"),
    500: ("A fault of the program", "fault", "report what you asked for and this answer"),
    503: ("Not available now", "not_available", "ask again in a moment"),
    507: ("Full", "full", "delete jobs and uploads, or ask who runs this kiosk"),
}

_OWN = "it may be deleted, or belong to somebody else; list what is yours"

#: Status, code and hint by class; the first that fits.
_KINDS: tuple[tuple[type[CytomillError], int, str, str], ...] = (
    (QueueAwayError, 503, "queue_away", "ask again in a moment; nothing is lost"),
    (BucketAwayError, 503, "bucket_away", "ask again in a moment; nothing is lost"),
    (UnreachableError, 503, "service_away", "ask again in a moment; nothing is lost"),
    (QueueFullError, 507, "queue_full", STATUSES[507][2]),
    (BucketFullError, 507, "bucket_full", STATUSES[507][2]),
    (QuotaError, 429, "quota", "wait until a job has ended, or delete something"),
    (ConflictError, 409, "conflict", STATUSES[409][2]),
    (MissingError, 404, "not_found", _OWN),
    (InputError, 422, "input", STATUSES[422][2]),
    (ModelError, 422, "model", STATUSES[422][2]),
    (OptionError, 422, "option", STATUSES[422][2]),
    (OutputError, 507, "disk_full", "ask who runs this kiosk to make room on its disk"),
    (TemporaryError, 503, "not_available", STATUSES[503][2]),
)


def problem(
    status: int,
    detail: str = "",
    *,
    code: str = "",
    hint: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that says what went wrong; what is not given is that of the status."""
    title, usual_code, usual_hint = STATUSES.get(status, STATUSES[400 if status < 500 else 500])
    body = Problem(
        type="about:blank",
        title=title,
        status=status,
        detail=detail or title,
        code=code or usual_code,
        hint=hint or usual_hint,
    )
    more = dict(headers or {})
    if status in (429, 503):
        more.setdefault("Retry-After", str(RETRY_AFTER))
    content = json.dumps(body.model_dump(), ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, more, MEDIA_TYPE)


def answer(error: CytomillError) -> Response:
    """The answer for an error of this program."""
    if isinstance(error, RefusedError):
        return problem(
            error.status, error.detail, code=error.code, hint=error.hint, headers=error.headers
        )
    for kind, status, code, hint in _KINDS:
        if isinstance(error, kind):
            if status >= 500:
                _LOG.warning("%s", error)
            return problem(status, str(error), code=code, hint=hint)
    return fault(error)


def fault(error: Exception, where: str = "") -> Response:
    """The answer for an error that nobody foresaw; one line of it goes to the log."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    told = "".join(f" in {Path(one.filename).name}, line {one.lineno}" for one in place)
    words = " ".join(str(error).split())
    _LOG.error("%s: a fault of the program (%s%s: %s)", where, type(error).__name__, told, words)
    return problem(500, f"a fault of the program ({type(error).__name__}{told})")


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` so."""
    app.add_exception_handler(CytomillError, _told)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, CytomillError)
    return answer(error)


async def _http(request: Request, error: Exception) -> Response:
    """Errors of the framework: no such route or method, a body that it cannot read."""
    assert isinstance(error, HTTPException)
    title = STATUSES.get(error.status_code, ("",))[0]
    detail, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404:
        detail = f"{request.url.path}: there is no such address"
    elif error.status_code == 405:
        detail = f"{request.url.path}: does not take {request.method}"
        headers["Allow"] = ", ".join(_methods(request))
    return problem(error.status_code, detail or title, headers=headers)


def _methods(request: Request) -> Iterator[str]:
    """The methods that an address takes: the framework names those of one of its routes."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, described(error.errors()), code="option")


def described(errors: Sequence[Mapping[str, Any]]) -> str:
    """What pydantic found, in one line: each field with its fault."""
    return "; ".join(_field(error) for error in errors[:5])


def _field(error: Mapping[str, Any]) -> str:
    # The first part says where: body, query, path or header.
    place, *rest = (str(part) for part in error["loc"])
    name = ".".join(rest) or place
    match error["type"]:
        case "extra_forbidden":
            return f"{name}: there is no such field"
        case "missing":
            return f"{name}: is missing"
        case "json_invalid":
            return f"the body is not JSON ({error.get('ctx', {}).get('error', error['msg'])})"
        case _:
            return f"{name}: {str(error['msg']).removeprefix('Value error, ').lower()}"
