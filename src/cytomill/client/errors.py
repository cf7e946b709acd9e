"""What can go wrong between a client and its kiosk, in words a user can act on."""

from __future__ import annotations

from typing import Any

from ..errors import OutputError, PermanentError, TemporaryError, UnreachableError
from ..image.names import shown


class ServerAwayError(UnreachableError):
    """The kiosk does not answer; start it, or name another with --server or CYTOMILL_SERVER."""


class ServerBusyError(TemporaryError):
    """The kiosk has too much to do, or what it needs is away; try again later."""


class TooFastError(ServerBusyError):
    """The kiosk takes no more requests of yours at the moment."""


class AnswerError(PermanentError):
    """The kiosk refuses what it was asked.

    ``status`` is that of HTTP, ``code`` the kiosk's own name of the fault, ``hint`` the way out;
    both are empty where it gives none.
    """

    def __init__(self, message: str, status: int = 0, code: str = "", hint: str = "") -> None:
        self.status, self.code, self.hint = status, code, hint
        super().__init__(message)


class SignInError(AnswerError):
    """The kiosk wants a token, or does not take the one it was given."""


class NotFoundError(AnswerError):
    """There is no such thing, or it is somebody else's."""


class JobFailedError(PermanentError):
    """The job ended without a result."""


class UnsafeNameError(OutputError):
    """A result whose name would lead out of the folder of the results."""

    def __init__(self, name: str) -> None:
        super().__init__(
            shown(repr(name)),
            "is no name of a result: it leads out of the folder",
            "ask who runs the kiosk; nothing was written there",
        )

    def __reduce__(self) -> tuple[type[Any], tuple[Any, ...]]:
        return OutputError, (self.subject, self.fault, self.advice)


def answered(server: str, status: int, body: Any) -> AnswerError:
    """The error for an answer of ``server``; ``body`` is its JSON, None where it has none."""
    told = body if isinstance(body, dict) else {}
    code, hint = (_line(told.get(key)) for key in ("code", "hint"))
    detail = _line(told.get("detail")) or _line(told.get("title"))
    if not detail:
        detail, hint = "does not answer as a kiosk does", "check the address; is it a kiosk's?"
    if status == 401:
        hint = "give a token: --token, CYTOMILL_TOKEN or ~/.config/cytomill/token"
    line = f"{server}: {detail} ({code or f'HTTP {status}'})"
    kind = {401: SignInError, 404: NotFoundError}.get(status, AnswerError)
    return kind(line + (f"; {hint}" if hint else ""), status, code, hint)


def _line(value: Any) -> str:
    """``value``, where it is text, as one line."""
    return " ".join(shown(value).split()).rstrip(".") if isinstance(value, str) else ""
