"""What a job must have left behind, whatever happened meanwhile: all of it, once, nothing else."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import redis

from cytomill.jobs import layout
from cytomill.jobs.queue import PREFIX, Queue

#: What there is in Redis when there are no jobs, by how the keys begin.
_STANDING = ("queues", "queue:", "consumers", "events", "token:", "tokens")

#: What of a queue is empty when there are no jobs, by how the keys end.
_EMPTY = (":tasks", ":suspects", ":users", ":ages")


def job(bucket: Path, queue: Queue, name: str) -> dict[str, int]:
    """Faults of a job that has ended, counted by kind; all should be 0."""
    known = queue.job(name)
    assert known is not None
    states = queue.states(known, 0, known.items)
    faults: Counter[str] = Counter()
    faults["items not done"] = sum(state != "done" for state, _ in states)
    # Each publishing of an item is counted by the queue: twice the same is one too many.
    faults["published twice"] = known.done + known.failed - known.items
    results = bucket / layout.job(name) / "results"
    there = {int(place.name): place for place in results.iterdir()}
    for item, (_, attempt) in enumerate(states):
        place = there.pop(item, None)
        folders = [] if place is None else [each.name for each in place.iterdir()]
        faults["items without their result"] += str(attempt) not in folders
        faults["folders of other attempts"] += len([f for f in folders if f != str(attempt)])
        if str(attempt) in folders:
            faults["items without their result"] += _incomplete(bucket, name, item, attempt)
    faults["results of no item"] = len(there)
    faults["parts left"] = _files(bucket / layout.job(name) / "parts")
    told = json.loads((bucket / layout.report(name) / "manifest.json").read_text())
    names = Counter(entry["input"] for entry in told["inputs"])
    faults["items missing in the report"] = known.items - len(names)
    faults["items twice in the report"] = sum(count - 1 for count in names.values())
    return dict(faults)


def nothing(bucket: Path, client: redis.Redis, deleted: str) -> dict[str, int]:
    """What is left of a job and its upload, and of unfinished writes, once they were deleted.

    A key that expires by itself is not left: that of an idempotency key is kept for a day.
    """
    keys = [str(key) for key in client.scan_iter(count=10_000)]
    lasting = [key.removeprefix(PREFIX) for key in keys if client.ttl(key) == -1]
    tasks = [key for key in keys if key.endswith(_EMPTY)]
    return {
        "objects left in the bucket": _files(bucket),
        "keys left in Redis": sum(deleted in k or not k.startswith(_STANDING) for k in lasting),
        "tasks left in Redis": sum(_length(client, key) for key in tasks),
    }


def _incomplete(bucket: Path, name: str, item: int, attempt: int) -> int:
    """1 where something is missing of what an attempt should have written."""
    wrote = {path.name for path in (bucket / layout.attempt(name, item, attempt)).iterdir()}
    return int("record.arrow" not in wrote or len(wrote) < 2)


def _length(client: redis.Redis, key: str) -> int:
    kinds: dict[str, Any] = {"stream": client.xlen, "list": client.llen, "zset": client.zcard}
    count = kinds.get(str(client.type(key)))
    return int(count(key)) if count else 0


def _files(folder: Path) -> int:
    """Files below a folder; it may be deleted meanwhile."""
    return sum(len(files) for _, _, files in os.walk(folder))
