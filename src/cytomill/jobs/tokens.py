"""Tokens: who may speak to the API, and what a token lets them do.

A token is a `secret` that begins with ``cm_``. Keys::

    {cytomill}:token:ID  hash  digest, user, role, scopes, label, created, expires (0: never), used
    {cytomill}:tokens    zset  ids -> created
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import redis

from ..errors import OptionError
from .errors import QueueFullError, QuotaError
from .queue import PREFIX
from .redis import told
from .secret import Secrets, is_id

#: What tokens begin with, so that programs that search for leaked secrets know them.
MARK = "cm_"

Role = Literal["user", "admin"]

ROLES: tuple[Role, ...] = ("user", "admin")

#: What a token may be for: to read, to change, to run the kiosk, and to read its numbers only.
SCOPES = ("read", "write", "admin", "metrics")

#: Scopes of a token that names none, by role.
USUAL: Mapping[Role, frozenset[str]] = {
    "user": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
}

#: Tokens that a user may have: enough for every machine, too few to fill the queue's memory.
MOST = 1000

#: Days that a token may be good for.
MOST_DAYS = 3650.0

#: Seconds after which it is written down again that a token is used.
_USED = 60.0

_SECRETS = Secrets(MARK, "token")
_ALL = f"{PREFIX}tokens"

#: Users are part of keys, in which ``:`` parts names.
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token. Times are seconds since 1970; ``expires`` is 0 for never, ``used``
    0 for never yet.
    """

    id: str
    user: str
    role: Role
    scopes: frozenset[str]
    label: str
    created: float
    expires: float
    used: float


def user_name(text: str) -> str:
    """``text``, if it can be a user's name; raises `OptionError`."""
    if not _USER.fullmatch(text):
        raise OptionError(
            f"{text!r} cannot be a user's name; use up to 128 letters, digits and . _ @ + -, "
            "a letter or digit first"
        )
    return text


class Tokens:
    """The tokens in the Redis that ``client`` speaks to; safe to use from several threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def create(
        self,
        user: str,
        *,
        role: Role = "user",
        scopes: Iterable[str] | None = None,
        days: float = 0,
        label: str = "",
    ) -> tuple[str, Token]:
        """Make a token of ``user``, good for ``days``, 0 for ever; returns the secret too.

        Raises `OptionError` for what a token cannot have, and `QuotaError` where the user has
        `MOST` already.
        """
        chosen = USUAL[role] if scopes is None else frozenset(scopes)
        _check(user_name(user), role, chosen, days, label)
        if sum(token.user == user for token in self.list()) >= MOST:
            raise QuotaError(f"{user} has {MOST} tokens already; revoke those not in use")
        secret, name, digest = _SECRETS.make()
        return secret, self._keep(name, digest, user, role, chosen, days, label)

    def possible(self, secret: str) -> bool:
        """Whether ``secret`` looks like a token."""
        return _SECRETS.possible(secret)

    def hold(
        self,
        secret: str,
        user: str,
        *,
        role: Role = "user",
        scopes: Iterable[str] | None = None,
        label: str,
    ) -> None:
        """Have ``secret`` be a token of ``user``, the only one of theirs with this ``label``.

        Where it is empty there is none. Raises `OptionError` for what a token cannot have.
        """
        chosen = USUAL[role] if scopes is None else frozenset(scopes)
        _check(user_name(user), role, chosen, 0, label)
        name, digest = _SECRETS.known(secret) if secret else ("", "")
        for token in self.list(user):
            if token.label == label and token.id != name:
                self.revoke(token.id)
        if name and self.get(name) is None:
            self._keep(name, digest, user, role, chosen, 0, label)

    def _keep(
        self,
        name: str,
        digest: str,
        user: str,
        role: Role,
        chosen: frozenset[str],
        days: float,
        label: str,
    ) -> Token:
        created = time.time()
        expires = created + days * 86_400 if days else 0.0
        token = Token(name, user, role, chosen, label, created, expires, 0.0)
        stored = {
            "digest": digest,
            "user": user,
            "role": role,
            "scopes": " ".join(sorted(chosen)),
            "label": label,
            "created": repr(created),
            "expires": repr(expires),
        }
        with told():
            pipe = self._client.pipeline(transaction=True)
            pipe.hset(_SECRETS.key(name), mapping=stored)
            pipe.zadd(_ALL, {name: created})
            pipe.execute()
        return token

    def check(self, secret: str) -> Token | None:
        """The token that ``secret`` is; None where there is none, or it has expired."""
        found = _SECRETS.find(self._client, secret)
        if found is None:
            return None
        token, now = _token(*found), time.time()
        if token.expires and token.expires <= now:
            return None
        if now - token.used > _USED:
            self._touch(token.id, now)
        return token

    def _touch(self, name: str, now: float) -> None:
        # In one step: it must not come back as a stump after it was revoked. Where the memory is
        # full, whoever would make room must still get in.
        with suppress(QueueFullError), told():
            self._client.eval(_TOUCH, 1, _SECRETS.key(name), repr(now))

    def get(self, name: str) -> Token | None:
        """The token with the id ``name``, if there is one; also one that has expired."""
        found = _SECRETS.all(self._client, [name]) if is_id(name) else []
        return _token(*found[0]) if found else None

    def list(self, user: str | None = None) -> list[Token]:
        """Tokens of ``user``, or all, oldest first; also those that have expired."""
        with told():
            names = self._client.zrange(_ALL, 0, -1)
        found = [_token(*one) for one in _SECRETS.all(self._client, names)]
        return [token for token in found if user is None or token.user == user]

    def revoke(self, name: str) -> bool:
        """Make a token worthless at once; False where there is none with this id."""
        return is_id(name) and _SECRETS.revoke(self._client, name, _ALL)


_TOUCH = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'used', ARGV[1]) end
"""


def _check(user: str, role: str, scopes: frozenset[str], days: float, label: str) -> None:
    if role not in ROLES:
        raise OptionError(f"role {role!r}: there are {' and '.join(ROLES)}")
    for scope in sorted(scopes):
        if scope not in SCOPES:
            raise OptionError(f"scope {scope!r}: there are {', '.join(SCOPES)}")
    if not scopes:
        raise OptionError(f"a token needs a scope; there are {', '.join(SCOPES)}")
    if "admin" in scopes and role != "admin":
        raise OptionError(f"scope 'admin' is for administrators; make {user} one, or leave it out")
    if not 0 <= days <= MOST_DAYS:
        raise OptionError(f"days {days:g}: give 0 for ever, or up to {MOST_DAYS:g}")
    if len(label) > 200 or _UNPRINTABLE.search(label):
        raise OptionError("the label must be one line of at most 200 characters")


def _token(name: str, stored: Mapping[str, str]) -> Token:
    return Token(
        id=name,
        user=stored["user"],
        role="admin" if stored["role"] == "admin" else "user",
        scopes=frozenset(stored["scopes"].split()),
        label=stored["label"],
        created=float(stored["created"]),
        expires=float(stored["expires"]),
        used=float(stored.get("used", 0)),
    )
