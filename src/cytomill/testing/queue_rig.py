"""What the tests of queues share: jobs, how they are listed, and how tasks are taken."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from ..jobs.job import Job, Priority
from ..jobs.task import Task

if TYPE_CHECKING:
    from ..jobs.queue import Queue

#: Names what the queue still knows of a job.
Leftovers = Callable[[str], Sequence[str]]

Q = "nuclei"


class QueueFixtures:
    """What a subclass gives."""

    @pytest.fixture
    def queue(self) -> Queue:
        """The queue under test."""
        raise NotImplementedError

    @pytest.fixture
    def leftovers(self) -> Leftovers:
        """What is still stored of a job, for queues where one can look."""
        return lambda job: []


def a_job(owner: str = "anna", priority: Priority = Priority.NORMAL) -> Job:
    """One that was not submitted yet."""
    return Job(secrets.token_hex(6), owner, Q, priority=priority)


def take(queue: Queue, count: int = 2, consumer: str = "c") -> list[Task]:
    """What a consumer with nothing in hand is given."""
    return list(queue.take(consumer, [Q], count, idle=True).tasks)


def listed(
    queue: Queue, items: int, *, owner: str = "anna", priority: Priority = Priority.NORMAL
) -> Job:
    """A job whose items were found; whatever else waits stays where it is."""
    job = queue.submit(a_job(owner, priority))
    queue.extend(job, 0, items, last=True)
    return job


def now(queue: Queue, job: Job) -> Job:
    """What is known of it now."""
    return now_of(queue, job.id)


def now_of(queue: Queue, name: str) -> Job:
    """What is known of the job called ``name``."""
    found = queue.job(name)
    assert found is not None
    return found
