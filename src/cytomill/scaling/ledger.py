"""What workers have cost, kept over restarts of the autoscaler.

Key::

    {cytomill}:spent  string  JSON: since when it is counted, what each pool has cost, when that was
                              charged last, and the workers that cost something then
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import redis

from ..jobs.queue import PREFIX
from ..jobs.redis import told
from .snapshot import Pool, State, Worker

_KEY = f"{PREFIX}spent"

#: States in which a worker has a place, which costs.
_PLACED = (State.STARTING, State.READY, State.DRAINING)


@dataclass(slots=True)
class _Account:
    """What is stored. Times are seconds since 1970."""

    since: float
    charged: float
    pools: dict[str, float] = field(default_factory=dict)
    workers: dict[str, str] = field(default_factory=dict)


class Ledger:
    """The ledger in the Redis that ``client`` speaks to; one autoscaler at a time writes it.

    A worker costs its pool's price from when it is first seen with a place until it is not seen any
    more, and never less: what ended between two looks has cost up to the second. Its methods raise
    `QueueAwayError` where Redis does not answer, and then have charged nothing.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._account: _Account | None = None

    def charge(self, now: float, pools: Sequence[Pool], workers: Sequence[Worker]) -> None:
        """Charge what time since the last call has cost; after a restart that is long ago.

        ``now`` is in seconds since 1970.
        """
        account = self._read(now)
        prices = {pool.name: pool.price for pool in pools}
        placed = {one.id: one for one in workers if one.state in _PLACED}
        pool_of = {**account.workers, **{name: one.pool for name, one in placed.items()}}
        spent = dict(account.pools)
        for name, pool in pool_of.items():
            if name in account.workers:
                begun = account.charged
            else:
                # Of one that got its place between two looks nobody knows when.
                begun = max(account.charged, placed[name].since)
            hours = max(0.0, now - begun) / 3600
            spent[pool] = spent.get(pool, 0.0) + hours * prices.get(pool, 0.0)
        workers_now = {name: one.pool for name, one in placed.items()}
        self._write(_Account(account.since, max(now, account.charged), spent, workers_now))

    def spent(self) -> Mapping[str, float]:
        """What each pool has cost since the account began, in the unit of the prices."""
        return self._account.pools if self._account else {}

    def since(self) -> float | None:
        """When the account began, in seconds since 1970; None before the first charge."""
        return self._account.since if self._account else None

    def begin_anew(self) -> None:
        """Forget what was spent: the account begins with the next charge."""
        with told():
            self._client.delete(_KEY)
        self._account = None

    def forget_me(self) -> None:
        """Read again what is stored: another autoscaler may have written it."""
        self._account = None

    def _read(self, now: float) -> _Account:
        if self._account is None:
            with told():
                stored = self._client.get(_KEY)
            self._account = _Account(**json.loads(stored)) if stored else _Account(now, now)
        return self._account

    def _write(self, account: _Account) -> None:
        stored = {
            "since": account.since,
            "charged": account.charged,
            "pools": account.pools,
            "workers": account.workers,
        }
        with told():
            self._client.set(_KEY, json.dumps(stored))
        self._account = account
