"""A task: what a consumer takes from the queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is to be done."""

    LIST = "list"
    """Find the items of a job's inputs."""

    ITEM = "item"
    """Process an item; one that turns out to have many parts is fanned out."""

    PART = "part"
    """Process a part of an item."""

    MERGE = "merge"
    """Put the parts of an item together."""

    REPORT = "report"
    """Write what is about the job as a whole: all items have ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a task, in the hands of one consumer.

    ``entry`` is its place in the stream of ``queue``. ``item`` and ``part`` count from 0, and are
    0 where the kind has none. ``attempt`` numbers the attempts at an item from 1: it tells the
    files of one attempt from another's. ``parts`` is the attempt that fanned the item out, 0 where
    none did. ``tries`` are the attempts at this task that failed or died before.
    """

    queue: str
    entry: str
    job: str
    kind: Kind
    item: int = 0
    part: int = 0
    attempt: int = 0
    parts: int = 0
    tries: int = 0


class Outcome(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    FAILED = "failed"
    """For good: it is not tried again."""
