"""Sign-in of the page: a token is exchanged for a cookie that no program of a page can read."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from ...errors import UnreachableError
from . import cookie
from .auth import known, seen
from .common import Held
from .me import MeAnswer, told
from .problems import RefusedError
from .schemas import Request as Sent

router = APIRouter(prefix="/session", tags=["people"])

#: What the page asks the provider for: who it is, and their address, by which administrators may be
#: named.
_ASKED = ["openid", "email"]


class ProviderAnswer(BaseModel):
    """Where people of an OpenID Connect provider sign in, and how the page asks for it."""

    issuer: str
    client_id: str
    scopes: list[str]


class SessionAnswer(BaseModel):
    """How one signs in here, and whether that was done."""

    free: bool = Field(description="Whether programs on the same machine need not sign in.")
    signed_in: bool
    oidc: ProviderAnswer | None = Field(
        description="The provider at which people may sign in, where there is one."
    )


class NewSession(Sent):
    """What one signs in with."""

    token: str = Field(
        min_length=1,
        max_length=16_384,
        description="A token of the kiosk or its provider, or the secret of a share.",
        json_schema_extra={"format": "password", "writeOnly": True},
    )


@router.get("")
def shown(request: Request, held: Held) -> SessionAnswer:
    """How to sign in, and whether you are; needs no token."""
    try:
        caller = seen(request)
    except UnreachableError:  # nobody can be told from the provider's tokens now
        caller = None
    settings = held.settings
    provider = None
    if settings.oidc_issuer and settings.oidc_client_id:
        provider = ProviderAnswer(
            issuer=settings.oidc_issuer, client_id=settings.oidc_client_id, scopes=_ASKED
        )
    free: bool = request.app.state.free
    return SessionAnswer(free=free, signed_in=caller is not None, oidc=provider)


@router.post("")
def begin(request: Request, body: NewSession, held: Held, response: Response) -> MeAnswer:
    """Sign in: the answer carries a cookie, with which a browser needs no token."""
    cookie.check_own(request)
    secret = body.token.strip()
    caller = known(request, secret)
    request.state.caller = caller
    if "read" not in caller.scopes:
        raise RefusedError(
            403,
            "not_allowed",
            "this token has no scope 'read', without which there is nothing to see",
            "sign in with another",
        )
    if len(secret) > cookie.MOST:
        raise RefusedError(
            422,
            "too_long",
            f"the provider's token has {len(secret):,} bytes; a browser keeps {cookie.MOST:,}",
            "ask who runs the provider to put less into it, or sign in with a token of the kiosk",
        )
    cookie.keep(request, response, secret, caller.expires)
    return told(request, caller, held)


@router.delete("", status_code=204)
def end(request: Request, response: Response) -> None:
    """Sign out: the browser drops the cookie. What one signed in with stays good."""
    cookie.check_own(request)
    cookie.forget(request, response)
    # Pixels that the browser keeps, to be quick, are not for whoever comes next.
    response.headers["Clear-Site-Data"] = '"cache"'
