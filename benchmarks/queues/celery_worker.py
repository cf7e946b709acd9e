"""Celery: ``fill N`` sends N tasks; the worker is started with its own command."""

from __future__ import annotations

import sys
from typing import Any

from celery import Celery
from celery.signals import task_postrun

from . import task

app = Celery(
    "bench",
    broker=task.URL.replace("unix://", "redis+socket://"),
    backend=task.URL.replace("unix://", "redis+socket://"),
)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Its hour by default would be waited for after every death.
    broker_transport_options={"visibility_timeout": task.LEASE},
    # No-op tasks are done faster than they are sent one by one.
    worker_prefetch_multiplier=64,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
)


@app.task(name="bench.work")
def work(number: int) -> int:
    """The task."""
    return task.work(number)


@task_postrun.connect
def stored(args: Any = (), **_: Any) -> None:
    """Comes after the result was stored."""
    task.tell("stored", args[0])


if __name__ == "__main__":
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(int(sys.argv[2])):
            work.apply_async((number,), producer=producer)
