"""The API's description of itself: what the framework cannot know is added to it.

Every route may answer with an error, all errors look alike, and all routes but those of health and
of signing in need a token, or the cookie for which one was exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI

from .common import ROOT
from .cookie import NAME as COOKIE
from .problems import MEDIA_TYPE, STATUSES, Problem

_ABOUT = """\
Images go in as uploads, or lie in a source that this kiosk knows; a job processes them; its
results are fetched file by file, or as one zip. Errors are `application/problem+json`: `code` is
for programs, `detail` and `hint` are for people. Unknown fields and parameters are refused.
"""

_SCHEMA = {"$ref": "#/components/schemas/Problem"}

#: Where no token is needed.
_OPEN = (f"{ROOT}/health/", f"{ROOT}/session")

#: What is made by a POST, and what paths call its id.
_MADE = {"jobs": "job_id", "uploads": "upload", "tokens": "token"}


def describe(app: FastAPI) -> None:
    """Complete what ``app`` says at ``/api/v1/openapi.json``."""
    app.description = _ABOUT
    usual: Callable[[], dict[str, Any]] = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(usual())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]


def _complete(told: dict[str, Any]) -> None:
    parts = told.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    for path, operation in _operations(told):
        answers = operation["responses"]
        for status, (title, _, _) in STATUSES.items():
            content = {MEDIA_TYPE: {"schema": _SCHEMA}}
            answers[str(status)] = {"description": title, "content": content}
        if not path.startswith(_OPEN):
            operation["security"] = [{"token": []}, {"session": []}]
    for things, name in _MADE.items():
        made = told["paths"][f"{ROOT}/{things}"]["post"]["responses"]["201"]
        made["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {name: "$response.body#/id"},
            }
            for path, operation in _operations(told)
            if f"{{{name}}}" in path
        }


def _operations(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for operation in methods.values():
            yield path, operation
