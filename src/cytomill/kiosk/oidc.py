"""Sign-in by OpenID Connect: the tokens of one provider, told by its signature.

What is fetched are the provider's own description of itself and the keys that it names. Nothing
that a token says is an address to go to.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from ..errors import OptionError, UnreachableError
from ..jobs.tokens import Role

#: Ways to sign of which only the provider has the secret.
_ALGORITHMS = (
    "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
)  # fmt: skip

#: Seconds for which the keys are kept, for which they are not asked for again where a token names
#: one that is not among them, and for which a provider may take to answer.
_KEPT, _PAUSE, _PATIENCE = 3600.0, 30.0, 5.0

#: Seconds by which clocks may differ.
_LEEWAY = 60.0

#: Bytes of an answer, and of a token.
_ANSWER, _TOKEN = 2**20, 16_384

#: What is before the names of its users, so that none is a user that was named here.
MARK = "oidc."

_PLAIN = re.compile(r"[A-Za-z0-9._@+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token of the provider is about, and when it ends, in seconds since 1970."""

    user: str
    role: Role
    expires: float = field(default=0.0, compare=False)


class Provider:
    """The provider at ``issuer``, whose tokens are meant for ``audience``, or the page.

    ``client`` is what the provider knows the page as: its tokens about who signed in there name it.
    ``admins`` are its administrators by subject, or by e-mail address if the provider has verified
    that. Safe to use from several threads. Raises `OptionError` for an address without TLS, but on
    this machine.
    """

    def __init__(self, issuer: str, audience: str, admins: str = "", client: str = "") -> None:
        _check(issuer)
        self._issuer = issuer
        self._audience = [audience, client] if client else [audience]
        self._admins = frozenset(filter(None, (name.strip() for name in admins.split(","))))
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = -_KEPT

    def check(self, token: str) -> Person | None:
        """Who ``token`` is about; None where it is not a good token of the provider.

        Raises `UnreachableError` where the provider's keys are needed and it does not answer.
        """
        if len(token) > _TOKEN:
            return None
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in _ALGORITHMS or "crit" in header:
                return None
            key = self._key(header.get("kid"))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        subject = claims["sub"]
        if not subject:
            return None
        return Person(_user(subject), self._role(subject, claims), float(claims["exp"]))

    def _role(self, subject: str, claims: Mapping[str, Any]) -> Role:
        names = {subject}
        # Elsewhere anyone may write any address into their profile.
        if claims.get("email_verified") is True and isinstance(claims.get("email"), str):
            names.add(claims["email"])
        return "admin" if names & self._admins else "user"

    def _key(self, name: object) -> jwt.PyJWK | None:
        """The key called ``name``, of a token that names none the only one."""
        key = self._known(name)
        now = time.monotonic()
        if (key is None or now - self._fetched > _KEPT) and now - self._tried > _PAUSE:
            # One fetches. Whoever has the key does not wait for that, nor do they whose token may
            # be made up: a provider that is slow must not hold all threads.
            if self._lock.acquire(blocking=not self._keys):
                try:
                    self._refresh(key is None)
                finally:
                    self._lock.release()
            elif key is None:
                raise UnreachableError(_AWAY.format(self._issuer, "its keys are being fetched"))
            key = self._known(name)
        if key is None and not self._keys:
            raise UnreachableError(_AWAY.format(self._issuer, "it gave no keys"))
        return key

    def _refresh(self, needed: bool) -> None:
        """Fetch the keys, unless it was just done; ``needed`` says that there is no other way."""
        now = time.monotonic()
        if now - self._tried <= _PAUSE:
            return
        self._tried = now
        try:
            self._keys = self._fetch()
            self._fetched = now
        except UnreachableError:
            self._tried = now - _PAUSE + 1  # again in a second
            if needed:
                raise

    def _known(self, name: object) -> jwt.PyJWK | None:
        keys = self._keys
        if name is None and len(keys) == 1:
            return next(iter(keys.values()))
        return keys.get(name) if isinstance(name, str) else None

    def token_address(self) -> str:
        """Where the page exchanges what it is given for a token. Raises `UnreachableError`."""
        return self._described("token_endpoint")

    def _described(self, name: str) -> str:
        """An address that the provider's description of itself has."""
        told = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        address = told.get(name)
        if told.get("issuer") != self._issuer or not isinstance(address, str):
            raise UnreachableError(_AWAY.format(self._issuer, "it describes another provider"))
        try:
            _check(address)
        except OptionError:
            fault = f"its {name} is without TLS"
            raise UnreachableError(_AWAY.format(self._issuer, fault)) from None
        return address

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        found = {}
        for key in self._get(self._described("jwks_uri")).get("keys", []):
            if isinstance(key, dict) and key.get("use", "sig") == "sig":
                try:
                    made = jwt.PyJWK.from_dict(key)
                except jwt.PyJWTError:  # of a kind that is not known here
                    continue
                if made.algorithm_name in _ALGORITHMS:
                    found[str(key.get("kid", ""))] = made
        return found

    def _get(self, address: str) -> dict[str, Any]:
        """An object of JSON from the provider; never from where it might send us."""
        try:
            with httpx.stream("GET", address, timeout=_PATIENCE, follow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise UnreachableError(
                        _AWAY.format(self._issuer, f"status {answer.status_code}")
                    )
                content = b""
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > _ANSWER:
                        raise UnreachableError(_AWAY.format(self._issuer, "it says too much"))
            told = json.loads(content)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise UnreachableError(_AWAY.format(self._issuer, error)) from None
        if not isinstance(told, dict):
            raise UnreachableError(_AWAY.format(self._issuer, "it sends no object"))
        return told


_AWAY = "the sign-in provider {} does not answer as it should ({}); check CYTOMILL_OIDC_ISSUER"


def _check(address: str) -> None:
    """Raises `OptionError` for what is no https address, or an http one of this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))) or not host:
        raise OptionError(f"CYTOMILL_OIDC_ISSUER={address}: must be an address with https://")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _user(subject: str) -> str:
    """The user's name: the subject, or its hash where a key could not hold it."""
    if _PLAIN.fullmatch(subject):
        return MARK + subject
    return MARK + "sha256." + hashlib.sha256(subject.encode()).hexdigest()
