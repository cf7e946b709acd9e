"""Shares: secrets that show one job to whoever has them, for a while.

The `secret` begins with ``cyts_``. Keys, which Redis drops when the share ends::

    {cytomill}:share:ID      hash  digest, job, created, expires
    {cytomill}:job:J:shares  zset  ids of the shares of job J -> when they end
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from .errors import QuotaError
from .queue import PREFIX
from .redis import told
from .secret import Secrets, is_id

#: What secrets begin with, so that programs that search for leaked ones know them.
MARK = "cyts_"

#: Shares that a job may have: enough for a whole institute, too few to fill the queue's memory.
MOST = 100

#: Days that a share may be good for.
MOST_DAYS = 90.0

_SECRETS = Secrets(MARK, "share")


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
        secret, name, digest = _SECRETS.make()
        share = Share(name, job, time.time(), expires)
        stored = {
            "digest": digest,
            "job": job,
            "created": repr(share.created),
            "expires": repr(expires),
        }
        last = max(expires, *(other.expires for other in others), 0.0)
        with told():
            pipe = self._client.pipeline(transaction=True)
            pipe.hset(_SECRETS.key(name), mapping=stored)
            pipe.expireat(_SECRETS.key(name), math.ceil(expires))
            pipe.zadd(_list(job), {name: expires})
            pipe.expireat(_list(job), math.ceil(last))
            pipe.execute()
        return secret, share

    def check(self, secret: str) -> Share | None:
        """The share that ``secret`` is; None where there is none, or it has ended."""
        found = _SECRETS.find(self._client, secret)
        share = _share(*found) if found else None
        return share if share and share.expires > time.time() else None

    def list(self, job: str) -> list[Share]:
        """The shares of a job that have not ended, oldest first."""
        with told():
            names = self._client.zrangebyscore(_list(job), f"({time.time()!r}", "+inf")
        found = [_share(*one) for one in _SECRETS.all(self._client, names)]
        return sorted(found, key=lambda share: share.created)

    def revoke(self, job: str, name: str) -> bool:
        """End a share of ``job`` at once; False where there is none with this id."""
        if not is_id(name):
            return False
        with told():
            own = self._client.hget(_SECRETS.key(name), "job") == job
        return own and _SECRETS.revoke(self._client, name, _list(job))


def _list(job: str) -> str:
    return f"{PREFIX}job:{job}:shares"


def _share(name: str, stored: Mapping[str, str]) -> Share:
    return Share(name, stored["job"], float(stored["created"]), float(stored["expires"]))
