"""Tasks a second, memory and faults: our queue beside Celery and dramatiq, on the same Redis.

Tasks do nothing and are taken off the queue after their result is stored.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import redis

from cytomill.jobs.job import Job
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.task import Outcome

from .common import alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .queue_contest import CONTESTANTS, address, faults, rate, server

NAME = "queue"

#: Tasks a second that a core is to hand out and take back, server and consumer together.
DISPATCH = 5000

#: Bytes of memory that an image may need while it waits, and seconds until a million are taken in.
BYTES, SECONDS = 100, 30

#: Times that looking at a large job may take as long as at a small one.
FLAT = 1.5

#: Items of the small job.
_SMALL = 1000

#: Times that each of two jobs is looked at.
_LOOKS = 1000

#: Those of whom the same faults are told.
_FAULTY = ("cytomill", "celery prefork", "dramatiq 8")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--rounds", type=int, default=3, help="times that each contestant runs")
    made.add_argument("--tasks", type=int, default=10_000, help="of each turn")
    made.add_argument("--large", type=int, default=1_000_000, help="items of the large job")
    made.add_argument("--faulty", type=int, default=1000, help="tasks of which half see a death")
    made.add_argument("--patience", type=float, default=150, help="seconds to wait after a death")
    others = tuple(name for name in CONTESTANTS if name != "cytomill")
    made.add_argument("--peers", nargs="*", choices=others, default=others, help="who takes part")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """The contest, one core, a large job, and death."""
    folder = asked.scratch / "queue"
    who = {name: CONTESTANTS[name] for name in ("cytomill", *asked.peers)}
    with server(folder) as client:

        def turn(name: str, core: int | None = None) -> float:
            # Ours would be over before there is anything to measure.
            tasks = asked.tasks * (10 if name == "cytomill" else 1)
            return rate(who[name], client, folder, tasks, core)

        rates = alternate({name: lambda name=name: turn(name) for name in who}, asked.rounds)
        large = _large(client, address(folder), asked.large)
        died = {
            name: faults(who[name], client, folder, asked.faulty, asked.patience)
            for name in _FAULTY
            if name in who
        }
    core = min(os.sched_getaffinity(0))
    with server(folder, core=core) as client:
        one_core = [
            rate(CONTESTANTS["cytomill"], client, folder, asked.tasks * 10, core)
            for _ in range(asked.rounds)
        ]
    ahead = {name: ratio(rates["cytomill"], rates[name]) for name in who if name != "cytomill"}
    bars = [
        bar("tasks/s that a core hands out", statistics.median(one_core), least=DISPATCH),
        *(
            bar(f"times the tasks/s of {who[name].title}", ahead[name]["median"], least=1)
            for name in ahead
            if name != "cytomill 1"
        ),
        bar("seconds until a million images are taken in", large["seconds"], most=SECONDS),
        bar("bytes of an image that waits", large["bytes"], most=BYTES),
        bar(
            "times as long to look at a million as at a thousand",
            max(large["numbers"]["times"], large["job"]["times"]),
            most=FLAT,
        ),
        bar("tasks lost when a worker is killed", died["cytomill"]["lost"], most=0),
        bar("results stored twice then", died["cytomill"]["stored twice"], most=0),
    ]
    return {
        "rates": {name: spread(each) for name, each in rates.items()},
        "ahead": ahead,
        "one_core": spread(one_core),
        "large": large,
        "faults": died,
        "bars": bars,
    }


def _large(client: redis.Redis, url: str, items: int) -> dict[str, Any]:
    """What a large job costs, and how long it takes to look at it and at a small one."""
    client.flushall()
    with connect(url) as own:
        queue = Queue(own)
        for kind, size in (("small", _SMALL), ("large", items)):
            before = _memory(client)
            begun = time.perf_counter()
            job = queue.submit(Job(kind, "user", kind))
            (task,) = queue.take("consumer", [kind], 1, idle=True).tasks
            for first in range(0, size, 10_000):
                last = first + 10_000 >= size
                queue.extend(job, first, min(10_000, size - first), last=last)
            queue.finish(task, Outcome.DONE)
            seconds = time.perf_counter() - begun
            used = (_memory(client) - before) / size
        looks = {"numbers": _looks(queue.numbers), "job": _looks(queue.job)}
    return {"items": items, "seconds": seconds, "bytes": used, **looks}


def _looks(look: Callable[[str], object]) -> dict[str, float]:
    """Seconds of a look at the small and the large one, in turn, and their ratio."""

    def timed(name: str) -> float:
        begun = time.perf_counter()
        look(name)
        return time.perf_counter() - begun

    took = alternate({name: lambda name=name: timed(name) for name in ("small", "large")}, _LOOKS)
    small, large = (statistics.median(took[name]) for name in ("small", "large"))
    return {"small": small, "large": large, "times": large / small}


def _memory(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


def rows(found: dict[str, Any]) -> list[list[str]]:
    """Tasks a second."""
    told = [["contestant", "tasks/s", "times as fast as it"]]
    for name, took in found["rates"].items():
        faster = show(found["ahead"][name]) if name in found["ahead"] else "1"
        told.append([CONTESTANTS[name].title, show(took, 0), faster])
    told.append(["Cytomill, 16 at a time, all on one core", show(found["one_core"], 0), "–"])
    return told


def large_rows(found: dict[str, Any]) -> list[list[str]]:
    """A large job."""
    large = found["large"]
    told = [[f"a job of {large['items']:,} images", ""]]
    told.append(["seconds until it is taken in", show(large["seconds"])])
    told.append(["bytes in Redis for each image that waits", show(large["bytes"])])
    for what, name in (("the length of its queue", "numbers"), ("the job", "job")):
        for size, items in (("small", _SMALL), ("large", large["items"])):
            ms = show(large[name][size] * 1000, 3)
            told.append([f"ms to look at {what}, {items:,} images", ms])
    return told


def fault_rows(found: dict[str, Any]) -> list[list[str]]:
    """A death."""
    told = [
        ["a worker is killed half-way", "never done", "done twice", "stored twice", "s to the end"]
    ]
    for name, died in found["faults"].items():
        counts = [f"{died[what]:.0f}" for what in ("lost", "ended twice", "stored twice")]
        told.append([CONTESTANTS[name].title, *counts, show(died["seconds"], 1)])
    return told


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
