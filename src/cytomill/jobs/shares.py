"""Shares: secrets that show one job to whoever has them, for a while.

A secret is ``cyts_`` and 256 random bits; it is shown once, and what is kept is its SHA-256. Keys,
which Redis drops when the share ends::

    {cytomill}:share:ID      hash  digest, job, created, expires
    {cytomill}:job:J:shares  zset  ids of the shares of job J -> when they end

An id is the first half of the digest, as of tokens: it is not enough to make the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from .errors import QuotaError
from .queue import PREFIX
from .redis import told

#: What secrets begin with, so that programs that search for leaked ones know them.
MARK = "cyts_"

#: Shares that a job may have: enough for a whole institute, too few to fill the queue's memory.
MOST = 100

#: Days that a share may be good for.
MOST_DAYS = 90.0

_DIGITS = 32
_ID = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")
_SECRET = re.compile(rf"{MARK}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class Share:
    """What is known of a share. Times are seconds since 1970."""

    id: str
    job: str
    created: float
    expires: float


class Shares:
    """The shares in the Redis that ``client`` speaks to; safe to use from several threads.

    Every method raises `QueueAwayError` where Redis does not answer.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def create(self, job: str, expires: float) -> tuple[str, Share]:
        """Share the job with the id ``job`` until ``expires``; returns the secret too.

        Raises `QuotaError` where it is shared `MOST` times already, and `QueueFullError`.
        """
        others = self.list(job)
        if len(others) >= MOST:
            raise QuotaError(
                f"the job is shared {MOST} times already; end a share that is not used"
            )
        secret = MARK + secrets.token_urlsafe(32)
        digest = _digest(secret)
        share = Share(digest[:_DIGITS], job, time.time(), expires)
        stored = {
            "digest": digest,
            "job": job,
            "created": repr(share.created),
            "expires": repr(expires),
        }
        last = max(expires, *(other.expires for other in others), 0.0)
        with told():
            pipe = self._client.pipeline(transaction=True)
            pipe.hset(_key(share.id), mapping=stored)
            pipe.expireat(_key(share.id), math.ceil(expires))
            pipe.zadd(_list(job), {share.id: expires})
            pipe.expireat(_list(job), math.ceil(last))
            pipe.execute()
        return secret, share

    def check(self, secret: str) -> Share | None:
        """The share that ``secret`` is; None where there is none, or it has ended."""
        if not _SECRET.fullmatch(secret):
            return None
        digest = _digest(secret)
        name = digest[:_DIGITS]
        with told():
            stored = self._client.hgetall(_key(name))
        if not hmac.compare_digest(stored.get("digest", ""), digest):
            return None
        share = _share(name, stored)
        return share if share.expires > time.time() else None

    def list(self, job: str) -> list[Share]:
        """The shares of a job that have not ended, oldest first."""
        with told():
            names = self._client.zrangebyscore(_list(job), f"({time.time()!r}", "+inf")
            pipe = self._client.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(_key(name))
            found = [
                _share(name, stored)
                for name, stored in zip(names, pipe.execute(), strict=True)
                if "digest" in stored
            ]
        return sorted(found, key=lambda share: share.created)

    def revoke(self, job: str, name: str) -> bool:
        """End a share of ``job`` at once; False where there is none with this id."""
        if not _ID.fullmatch(name):
            return False
        with told():
            if self._client.hget(_key(name), "job") != job:
                return False
            # No transaction: a server whose memory is full begins none.
            pipe = self._client.pipeline(transaction=False)
            pipe.delete(_key(name))
            pipe.zrem(_list(job), name)
            return bool(pipe.execute()[0])


def _key(name: str) -> str:
    return f"{PREFIX}share:{name}"


def _list(job: str) -> str:
    return f"{PREFIX}job:{job}:shares"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _share(name: str, stored: Mapping[str, str]) -> Share:
    return Share(name, stored["job"], float(stored["created"]), float(stored["expires"]))
