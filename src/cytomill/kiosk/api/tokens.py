"""Tokens over HTTP: one's own, and everybody's for administrators."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ...errors import OptionError
from ...jobs.errors import MissingError
from ...jobs.tokens import MOST_DAYS, Role, Token, Tokens
from .auth import Caller, Scope, owned
from .common import ROOT, Reader, Writer
from .problems import RefusedError
from .schemas import Line
from .schemas import Request as Sent

router = APIRouter(tags=["people"])


class NewToken(Sent):
    """A token to be made: of oneself, or for an administrator of anybody."""

    user: str | None = Field(None, max_length=128, description="Whose it is; yours by default.")
    role: Role | None = Field(None, description="By default yours, for others `user`.")
    scopes: list[Scope] | None = Field(
        None, min_length=1, max_length=4, description="What it may be used for; all by default."
    )
    days: float = Field(
        0,
        ge=0,
        le=MOST_DAYS,
        allow_inf_nan=False,
        description="How long it is good; 0: as long as yours is.",
    )
    label: Line = Field("", max_length=200, description="What it is for.")


class TokenAnswer(BaseModel):
    """A token, less what it is. Times are seconds since 1970."""

    id: str
    user: str
    role: Literal["user", "admin"]
    scopes: list[str]
    label: str
    created: float
    expires: float = Field(description="0 for never.")
    used: float = Field(description="When it was last used, to the minute; 0 for never.")


class MadeToken(TokenAnswer):
    """A token that was just made."""

    token: str = Field(description="What to send. It is shown this once.")


@router.get("/tokens")
def listed(
    request: Request,
    caller: Reader,
    everybody: Annotated[bool, Query(description="Also others', for administrators.")] = False,
) -> list[TokenAnswer]:
    """Your tokens, oldest first."""
    if everybody and not caller.admin:
        raise _not_yours()
    return [_answer(token) for token in _tokens(request).list(None if everybody else caller.user)]


@router.post("/tokens", status_code=201)
def create(request: Request, body: NewToken, caller: Writer, response: Response) -> MadeToken:
    """Make a token that may do no more than the one you use."""
    user = caller.user if body.user is None else body.user
    if user != caller.user and not caller.admin:
        raise _not_yours()
    role: Role = body.role or (caller.role if user == caller.user else "user")
    wanted = _scopes(body, caller, role)
    if (role == "admin" and not caller.admin) or not wanted <= caller.scopes:
        raise RefusedError(
            403,
            "not_allowed",
            "a token cannot make one that may do more",
            "leave out what yours cannot do, or ask an administrator",
        )
    secret, token = _tokens(request).create(
        user, role=role, scopes=wanted, days=_days(body, caller), label=body.label
    )
    response.headers["Location"] = f"{ROOT}/tokens/{token.id}"
    return MadeToken(token=secret, **_answer(token).model_dump())


@router.delete("/tokens/{token}", status_code=204)
def revoke(
    request: Request,
    token: Annotated[str, Path(description="The id of a token.", max_length=100)],
    caller: Writer,
) -> None:
    """Make a token worthless at once."""
    found = _tokens(request).get(token)
    if found is None:
        raise MissingError
    owned(found.user, caller)
    _tokens(request).revoke(token)


def _tokens(request: Request) -> Tokens:
    held: Tokens = request.app.state.tokens
    return held


def _scopes(body: NewToken, caller: Caller, role: Role) -> frozenset[str]:
    if body.scopes is not None:
        return frozenset(body.scopes)
    usual = caller.scopes if role == "admin" else caller.scopes - {"admin"}
    if not usual:
        raise OptionError("scopes: name at least one")
    return usual


def _days(body: NewToken, caller: Caller) -> float:
    """How long it is good: no longer than what makes it, or a token that leaked never ends."""
    if not caller.expires or not caller.binding:
        return body.days
    left = max(1.0, caller.expires - time.time()) / 86_400
    if body.days > left:
        raise RefusedError(
            403,
            "not_allowed",
            f"your token is good for {left:.1f} days more, and this one would be for longer",
            "give fewer days, or ask an administrator",
        )
    return body.days or left


def _not_yours() -> RefusedError:
    return RefusedError(
        403,
        "not_allowed",
        "only administrators see and make others' tokens",
        "leave it out, or ask an administrator",
    )


def _answer(token: Token) -> TokenAnswer:
    return TokenAnswer(
        id=token.id,
        user=token.user,
        role=token.role,
        scopes=sorted(token.scopes),
        label=token.label,
        created=token.created,
        expires=token.expires,
        used=token.used,
    )
