"""Who one is for Google: the credentials that its own programs use, by google-auth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from ..errors import OptionError
from .errors import CloudError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_LOG_IN = (
    "log in with `gcloud auth application-default login`, or name the file of a service account's "
    "key in GOOGLE_APPLICATION_CREDENTIALS"
)

#: Makes the value of the header Authorization, anew where the last one has run out.
Authorise = Callable[[], str]


def authorise() -> Authorise:
    """The credentials of this machine.

    Raises `OptionError` where google-auth is not installed or there are none; what it returns
    raises `CloudError` where they are not good any more.
    """
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
    except ModuleNotFoundError as error:
        raise OptionError(
            f"cluster: {error.name} is not installed; pip install cytomill[gke]"
        ) from error

    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise OptionError(
            f"there are no credentials for Google ({_line(error)}); {_LOG_IN}"
        ) from None
    transport = _Transport()

    def header() -> str:
        try:
            if not credentials.valid:
                credentials.refresh(transport)
        except GoogleAuthError as error:
            raise CloudError(
                f"Google does not take the credentials ({_line(error)}); {_LOG_IN}"
            ) from None
        return f"Bearer {credentials.token}"

    return header


class _Transport:
    """How google-auth makes requests: by httpx, which is there."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        from google.auth.exceptions import TransportError

        try:
            answer = httpx.request(
                method, url, content=body, headers=headers, timeout=timeout or 30.0
            )
        except httpx.HTTPError as error:
            raise TransportError(str(error) or type(error).__name__) from error
        return _Answer(answer)


class _Answer:
    """An answer as google-auth wants it."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status, self.headers, self.data = answer.status_code, answer.headers, answer.content


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
