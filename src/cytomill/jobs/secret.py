"""Secrets that are shown once: what Redis keeps of one is its SHA-256.

A secret is a mark and 256 random bits. Its id is the first half of the digest. So a secret is
looked up by what it hashes to: how long that takes tells nothing about one that is right, and an id
is not enough to make one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import redis

from .queue import PREFIX
from .redis import told

_DIGITS = 32
_ID = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")


def is_id(text: str) -> bool:
    """Whether ``text`` may be the id of a secret, and so a part of a key."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets that begin with ``mark``; what is known of one is the hash ``{cytomill}:KIND:ID``.

    The hash has the field ``digest``. Methods that ask ``client`` raise `QueueAwayError`.
    """

    mark: str
    kind: str

    def make(self) -> tuple[str, str, str]:
        """A new secret, its id and its digest."""
        secret = self.mark + secrets.token_urlsafe(32)
        return secret, *self.known(secret)

    def known(self, secret: str) -> tuple[str, str]:
        """The id and the digest of ``secret``."""
        digest = _digest(secret)
        return digest[:_DIGITS], digest

    def possible(self, secret: str) -> bool:
        """Whether ``secret`` looks like one."""
        return secret.startswith(self.mark) and bool(_RANDOM.fullmatch(secret[len(self.mark) :]))

    def key(self, name: str) -> str:
        """The key of the secret with the id ``name``."""
        return f"{PREFIX}{self.kind}:{name}"

    def find(self, client: redis.Redis, secret: str) -> tuple[str, Mapping[str, str]] | None:
        """The id of ``secret`` and what is known of it; None where it is none."""
        if not self.possible(secret):
            return None
        name, digest = self.known(secret)
        with told():
            stored: Mapping[str, str] = client.hgetall(self.key(name))
        return (name, stored) if hmac.compare_digest(stored.get("digest", ""), digest) else None

    def all(self, client: redis.Redis, names: Iterable[str]) -> list[tuple[str, Mapping[str, str]]]:
        """The ids of ``names`` that there are, with what is known of each."""
        names = list(names)
        with told():
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(self.key(name))
            found = zip(names, pipe.execute(), strict=True)
        return [(name, stored) for name, stored in found if "digest" in stored]

    def revoke(self, client: redis.Redis, name: str, index: str) -> bool:
        """Forget a secret, also in the sorted set ``index``; False where there is none."""
        with told():
            # No transaction: a server whose memory is full begins none.
            pipe = client.pipeline(transaction=False)
            pipe.delete(self.key(name))
            pipe.zrem(index, name)
            return bool(pipe.execute()[0])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
