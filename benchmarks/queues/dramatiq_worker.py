"""Dramatiq: ``fill N`` sends N messages; the worker is started with its own command."""

from __future__ import annotations

import sys
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from . import task


class Stored(Middleware):
    """Comes after the result was stored: what is first in the list is called last."""

    def after_process_message(
        self, broker: Any, message: Any, *, result: Any = None, exception: Any = None
    ) -> None:
        """A message was processed."""
        task.tell("stored", message.args[0])


# Its minute by default would be waited for after every death, and its look at the dead comes with
# one command in a thousand.
broker = RedisBroker(url=task.URL, heartbeat_timeout=task.LEASE * 1000, maintenance_chance=10_000)
results = Results(backend=RedisBackend(url=task.URL), store_results=True)
broker.add_middleware(results)
broker.add_middleware(Stored(), before=Results)
dramatiq.set_broker(broker)


@dramatiq.actor
def work(number: int) -> int:
    """The task."""
    return task.work(number)


if __name__ == "__main__":
    for number in range(int(sys.argv[2])):
        work.send(number)
