"""How far the clock of this machine is from that of the queue."""

from __future__ import annotations

import time

import redis

from ..jobs.redis import told

#: Seconds that two clocks may be apart before operators are told.
TOLERATED = 5.0


def ahead(client: redis.Redis) -> float:
    """Seconds that this machine's clock is ahead of Redis'; right to half of what asking takes.

    Raises `QueueAwayError`.
    """
    begun = time.monotonic()
    with told():
        seconds, micros = client.time()
    took = time.monotonic() - begun
    return float(time.time() - took / 2 - seconds - micros / 1e6)


def skewed(seconds: float) -> str:
    """What operators are told of a clock so far ahead; nothing where it is near enough."""
    if abs(seconds) <= TOLERATED:
        return ""
    way = "ahead of" if seconds > 0 else "behind"
    return (
        f"the clock of this machine is {abs(seconds):.0f} s {way} the queue's; set it (NTP): tasks "
        "do not depend on it, but buckets of clouds refuse what is signed at a wrong time"
    )
