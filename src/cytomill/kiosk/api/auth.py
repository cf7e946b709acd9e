"""Who asks, and whether they may: a dependency of every route but those of health."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fastapi import FastAPI, Request

from ...jobs.errors import MissingError
from ...jobs.job import State
from ...jobs.limits import Limits
from ...jobs.shares import MARK as SHARE
from ...jobs.shares import Shares
from ...jobs.tokens import MARK, SCOPES, USUAL, Role, Tokens
from ..audit import Audit
from ..backend import Backend
from ..oidc import Provider
from .cookie import kept
from .limits import Watched
from .problems import RefusedError
from .receiving import Receivers

Scope = Literal["read", "write", "admin", "metrics"]

#: Names of this machine by which a kiosk without tokens may be addressed.
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

#: Wrong tokens that an address may send in a second, and seconds over which rates are averaged.
_WRONG, _SECONDS = 5, 10


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``role`` says whose things they may see, ``scopes`` what they may do with them.

    ``expires`` is when what they signed in with does, in seconds since 1970; 0 for never.
    ``binding`` says that what they make with it ends then too. ``job`` is the one thing that a
    guest sees, who has the secret of a share.
    """

    user: str
    role: Role
    scopes: frozenset[str]
    expires: float = 0.0
    binding: bool = True
    job: str | None = None

    @property
    def admin(self) -> bool:
        """Whether everybody's things are theirs to see."""
        return self.role == "admin"


#: Who asks where no token is needed.
LOCAL = Caller("local", "admin", USUAL["admin"])

#: What a guest may do with the job that was shared.
_GUEST = frozenset({"read"})


def guard(app: FastAPI, backend: Backend, *, free: bool = False) -> None:
    """Give ``app`` what `allowed` needs, the limits of bodies, and the audit log.

    ``free``: this machine's own requests need no token. Raises `OptionError` for settings that
    cannot be used.
    """
    settings = backend.settings
    app.state.tokens = Tokens(backend.redis)
    app.state.shares = Shares(backend.redis)
    app.state.limits = Limits(backend.redis)
    app.state.receivers = Receivers()
    app.state.oidc = (
        Provider(
            settings.oidc_issuer,
            settings.oidc_audience,
            settings.oidc_admins,
            settings.oidc_client_id,
        )
        if settings.oidc_issuer
        else None
    )
    app.state.free = free
    app.add_middleware(Watched, audit=Audit(settings.audit))


def allowed(scope: Scope, *, guests: bool = False) -> Callable[[Request], Caller]:
    """The dependency that gives the `Caller`, who may do what ``scope`` names.

    Answers 401 without a token that is good, 403 where it lacks the scope, 429 where they ask too
    often. Guests are let in to what is below their job; ``guests`` lets them in to this too.
    """
    assert scope in SCOPES

    def check(request: Request) -> Caller:
        caller = _caller(request)
        request.state.caller = caller
        rate = request.app.state.backend.settings.user_requests
        _count(request, f"user:{caller.user}", rate, rate * _SECONDS)
        if scope not in caller.scopes:
            raise RefusedError(
                403,
                "not_allowed",
                f"this token has no scope {scope!r}",
                f"make one with it: cytomill tokens create --user NAME --scope {scope}",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            )
        if caller.job is not None and not guests:
            _check_guest(request, caller)
        return caller

    return check


def owned(owner: str, caller: Caller) -> None:
    """Raises `MissingError` unless what ``owner`` has is ``caller``'s to see."""
    if owner != caller.user and not caller.admin:
        raise MissingError


def _check_guest(request: Request, caller: Caller) -> None:
    """Raises unless the request is about the job that was shared with ``caller``."""
    asked = request.path_params.get("job_id")
    if asked is None:
        no_guest(caller)
    if asked != caller.job:
        raise MissingError


def no_guest(caller: Caller) -> None:
    """Raises `RefusedError` for somebody with whom a job was shared."""
    if caller.job is not None:
        raise RefusedError(
            403,
            "not_allowed",
            "a link that was shared shows one job, and nothing else",
            "sign in with a token of your own",
        )


def seen(request: Request) -> Caller | None:
    """Who asks, of somebody who need not be known; None where nobody is."""
    try:
        return _caller(request)
    except RefusedError as error:
        if error.status in (401, 403):
            return None
        raise


def _caller(request: Request) -> Caller:
    secret = _bearer(request)
    if secret is None:
        if request.app.state.free:
            _check_local(request)
            return LOCAL
        secret = kept(request)
        if secret is None:
            raise _unknown("a token is needed", "Bearer")
    return known(request, secret)


def known(request: Request, secret: str) -> Caller:
    """Who has ``secret``: a token, one of the provider, or the secret of a share.

    Raises `RefusedError` where it is none, or one address sends too many that are none.
    """
    caller = _known(request, secret)
    if caller is None:
        # Counted after the fact: who has a good token is never kept out by others at one address.
        _count(request, f"address:{_address(request)}", _WRONG, _WRONG * _SECONDS)
        raise _unknown("the token is wrong, revoked or expired", 'Bearer error="invalid_token"')
    return caller


def _known(request: Request, secret: str) -> Caller | None:
    if secret.startswith(MARK):
        token = request.app.state.tokens.check(secret)
        if token is None:
            return None
        return Caller(token.user, token.role, token.scopes, token.expires)
    if secret.startswith(SHARE):
        return _guest(request, secret)
    person = request.app.state.oidc and request.app.state.oidc.check(secret)
    if not person:
        return None
    # A provider's tokens are good for minutes, and anew as often as they are asked for.
    return Caller(person.user, person.role, USUAL[person.role], person.expires, binding=False)


def _guest(request: Request, secret: str) -> Caller | None:
    share = request.app.state.shares.check(secret)
    if share is None:
        return None
    job = request.app.state.backend.queue.job(share.job)
    if job is None or job.state is State.DELETING:
        return None
    # No user has such a name, so that nothing is theirs.
    return Caller(f"guest:{share.id}", "user", _GUEST, share.expires, job=share.job)


def _count(request: Request, name: str, rate: float, burst: float) -> None:
    """Raises `RefusedError` where what ``name`` says was done too often."""
    wait = request.app.state.limits.wait(name, rate, burst)
    if wait:
        raise RefusedError(
            429,
            "too_many",
            f"these are more than {rate:g} requests a second",
            "wait as long as Retry-After says",
            {"Retry-After": str(math.ceil(wait))},
        )


def _address(request: Request) -> str:
    """Where a request comes from; of IPv6 the network, of which one person has all addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def _bearer(request: Request) -> str | None:
    """What is given as a token, of at most a few kilobytes."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    kind, _, secret = given[0].partition(" ")
    if len(given) > 1 or kind.lower() != "bearer" or not secret.strip():
        raise _unknown("the Authorization cannot be used", 'Bearer error="invalid_request"')
    return secret.strip()


def _check_local(request: Request) -> None:
    """Raises unless the request comes from a program of this machine, or a page that it served.

    A page from elsewhere, opened in a browser on this machine, could else ask as its user: by the
    address, or by a name of its own that it points at this machine.
    """
    host = request.client.host if request.client else ""
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if (
        host not in ("127.0.0.1", "::1")
        or request.url.hostname not in _LOOPBACK
        or origin not in (None, own)
        or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        or "x-forwarded-for" in request.headers
    ):
        raise _unknown("only programs on this machine need no token", "Bearer")


def _unknown(detail: str, challenge: str) -> RefusedError:
    hint = "send Authorization: Bearer TOKEN; make one with cytomill tokens create --user NAME"
    return RefusedError(401, "not_signed_in", detail, hint, {"WWW-Authenticate": challenge})
