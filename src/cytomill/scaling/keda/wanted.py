"""What is wanted of each pool, from the autoscaler that decides to those who ask for KEDA."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ...errors import OptionError, TemporaryError
from ..policy import Wish
from ..snapshot import Pool

#: Seconds for which a decision holds: several of the autoscaler's cycles.
FRESH = 15.0


class StaleError(TemporaryError):
    """The autoscaler has decided nothing of late: see its log, and whether its queue answers."""


class Wanted:
    """The autoscaler's last decision; safe to use from several threads.

    A decision holds for ``fresh`` seconds. An autoscaler that cannot see its queue tells nothing:
    what it does not know must not be taken for "none are wanted".
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        *,
        fresh: float = FRESH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pools = {pool.name: pool for pool in pools}
        self._seconds, self._clock = fresh, clock
        self._changed = threading.Condition()
        self._counts: dict[str, int] = {}
        self._told = 0
        self._when = 0.0

    def tell(self, wishes: Mapping[str, Wish]) -> None:
        """Take a decision: how many workers each pool should have, by the pools' names."""
        with self._changed:
            self._counts = {name: wish.count for name, wish in wishes.items()}
            self._told += 1
            self._when = self._clock()
            self._changed.notify_all()

    def pool(self, name: str, pipeline: str = "") -> Pool:
        """The pool of that name, which takes tasks of ``pipeline`` if that is given.

        Raises `OptionError` where there is none.
        """
        pool = self._pools.get(name)
        if pool is None:
            known = ", ".join(self._pools) or "none"
            raise OptionError(f"pool {name!r}: there is no such pool; those here are {known}")
        if pipeline and not pool.serves(pipeline):
            raise OptionError(
                f"pipeline {pipeline!r}: pool {name} takes tasks of {', '.join(pool.pipelines)} "
                "only; name another pool"
            )
        return pool

    def fresh(self) -> bool:
        """Whether there is a decision that holds."""
        with self._changed:
            return self._told > 0 and self._clock() - self._when <= self._seconds

    def count(self, pool: Pool) -> int:
        """How many workers a pool should have. Raises `StaleError`."""
        with self._changed:
            if not self._told:
                raise StaleError(
                    "the autoscaler has not decided yet; it does so once its queue (Redis) answers"
                )
            age = self._clock() - self._when
            if age > self._seconds:
                raise StaleError(
                    f"the autoscaler last decided {age:.0f} s ago; see its log, and whether its "
                    "queue (Redis) answers"
                )
            if pool.name not in self._counts:
                raise StaleError(f"the autoscaler has not decided about pool {pool.name} yet")
            return self._counts[pool.name]

    def wait(self, told: int, seconds: float) -> int:
        """Wait for a decision after number ``told``, ``seconds`` at most; the last one's number."""
        with self._changed:
            self._changed.wait_for(lambda: self._told != told, seconds)
            return self._told
