"""Users, consumers and death do what they like to a queue, and a plain model keeps account."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from ..jobs.errors import ConflictError
from ..jobs.job import Job, Priority, State
from ..jobs.task import Kind, Outcome, Task

if TYPE_CHECKING:
    from ..jobs.queue import Queue

_USERS = ("anna", "ben")
_CONSUMERS = ("c1", "c2", "c3")
_MOST_JOBS = 4
_MOST_ITEMS = 12

#: Which of several; the rules take it modulo how many there are.
_WHICH = st.integers(0, 99)


def machine(queue: Queue, leftovers: Callable[[str], Sequence[str]]) -> type[RuleBasedStateMachine]:
    """The machine for ``queue``; ``leftovers`` names what is stored of a job."""

    class Machine(_Machine):
        def __init__(self) -> None:
            super().__init__(queue, leftovers)

    return Machine


class _Machine(RuleBasedStateMachine):
    """``hands`` are the tasks of each consumer, ``zombies`` those of consumers thought dead."""

    def __init__(self, queue: Queue, leftovers: Callable[[str], Sequence[str]]) -> None:
        super().__init__()
        self.queue, self.leftovers = queue, leftovers
        self.name = f"q{secrets.token_hex(4)}"
        self.submitted = 0
        self.jobs: dict[str, Job] = {}
        self.hands: dict[str, list[Task]] = {consumer: [] for consumer in _CONSUMERS}
        self.zombies: list[Task] = []
        #: Of each published item, the attempt.
        self.published: dict[tuple[str, int], int] = {}
        self.cancelled: set[str] = set()

    # What users do

    @precondition(lambda self: len(self.jobs) < _MOST_JOBS)
    @rule(
        owner=st.sampled_from(_USERS),
        priority=st.sampled_from(Priority),
        twice=st.booleans(),
    )
    def submit(self, owner: str, priority: Priority, twice: bool) -> None:
        self.submitted += 1
        # Of equals the first by name is next: the same in each run of the same history.
        name = f"{self.name}-{self.submitted:03d}"
        job = Job(name, self._user(owner), self.name, priority=priority)
        for _ in range(1 + twice):
            self.jobs[job.id] = self.queue.submit(job)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, seconds=st.sampled_from([0, 0, 100]), twice=st.booleans())
    def pause(self, which: int, seconds: float, twice: bool) -> None:
        for _ in range(1 + twice):
            self.queue.pause(self._job(which), "why", seconds=seconds)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, twice=st.booleans())
    def resume(self, which: int, twice: bool) -> None:
        for _ in range(1 + twice):
            self.queue.resume(self._job(which))

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, twice=st.booleans())
    def cancel(self, which: int, twice: bool) -> None:
        job = self._job(which)
        for _ in range(1 + twice):
            if self.queue.cancel(job):
                self.cancelled.add(job.id)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, twice=st.booleans())
    def retry(self, which: int, twice: bool) -> None:
        job = self._job(which)
        for number in range(1 + twice):
            try:
                found = self.queue.retry(job)
            except ConflictError:
                assert job.state in (State.CANCELLED, State.FAILED)
            else:
                assert found == (0 if number else job.failed)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, delete=st.booleans())
    def remove(self, which: int, delete: bool) -> None:
        self._forget(self._job(which), delete=delete)

    # What consumers do

    @rule(consumer=st.sampled_from(_CONSUMERS), count=st.integers(1, 5), idle=st.booleans())
    def take(self, consumer: str, count: int, idle: bool) -> None:
        held = self.hands[consumer]
        taken = self.queue.take(consumer, [self.name], count, idle=idle and not held)
        assert len(taken.tasks) <= count
        for task in taken.tasks:
            others = [one for each in self.hands.values() for one in each]
            assert _what(task) not in {_what(other) for other in others if other.kind != "part"}
            self.hands[consumer].append(task)

    @precondition(lambda self: any(self.hands.values()))
    @rule(
        which=_WHICH,
        how=st.sampled_from(["done", "done", "done", "failed", "fan", "release", "away", "later"]),
        number=st.integers(1, 4),
        twice=st.booleans(),
    )
    def work(self, which: int, how: str, number: int, twice: bool) -> None:
        held = [(consumer, task) for consumer, each in self.hands.items() for task in each]
        consumer, task = held[which % len(held)]
        self.hands[consumer].remove(task)
        first = self._work(task, how, number)
        if twice:
            assert self._work(task, how, number, again=True) == first

    @rule(consumer=st.sampled_from(_CONSUMERS))
    def beat(self, consumer: str) -> None:
        held = self.hands[consumer]
        keep = self.queue.beat(consumer, held)
        for task, goes_on in zip(list(held), keep, strict=True):
            job = self.queue.job(task.job)
            assert goes_on == (job is not None and not job.state.ended)
            if not goes_on:
                held.remove(task)
                self.zombies.append(task)

    @rule(consumer=st.sampled_from(_CONSUMERS))
    def die(self, consumer: str) -> None:
        """As far as the queue knows: as after a lease without a beat."""
        assert self.queue.bury(consumer, [self.name]) == len(self.hands[consumer])
        self.zombies += self.hands[consumer]
        self.hands[consumer] = []

    @precondition(lambda self: self.zombies)
    @rule(which=_WHICH, how=st.sampled_from(["done", "failed", "fan", "release"]))
    def come_back_from_the_dead(self, which: int, how: str) -> None:
        task = self.zombies[which % len(self.zombies)]
        before = self.queue.job(task.job)
        if task.kind is Kind.LIST:
            won = self.queue.finish(task, Outcome.FAILED if how == "failed" else Outcome.DONE)
        else:
            won = self._work(task, how, 2, again=True)
        # A late part lies where its own would: it counts.
        if task.kind in (Kind.ITEM, Kind.MERGE) and how != "release":
            assert not won
        if task.kind is not Kind.PART:
            assert self.queue.job(task.job) == before

    # What holds

    @invariant()
    def counts_are_true(self) -> None:
        waiting = 0
        for name in self.jobs:
            job = self.queue.job(name)
            assert job is not None
            states = self.queue.states(job, 0, _MOST_ITEMS + 1)
            names = [state for state, _ in states]
            assert len(states) == job.items
            assert names.count("done") == job.done
            assert names.count("failed") == job.failed
            done = {(name, i): tried for i, (state, tried) in enumerate(states) if state == "done"}
            assert done == {key: a for key, a in self.published.items() if key[0] == name}
            assert (job.state is State.CANCELLED) == (name in self.cancelled)
            assert job.waiting == 0 if job.state.ended else job.waiting >= 0
            if job.state in (State.LISTING, State.RUNNING):
                waiting += job.waiting
            if job.state is State.DONE:
                assert job.done + job.failed == job.items
        numbers = self.queue.numbers(self.name)
        assert numbers.waiting == waiting
        assert numbers.running == sum(map(len, self.hands.values()))
        for owner in map(self._user, _USERS):
            used = [job for job in self.queue.jobs(owner) if not job.state.ended]
            assert self.queue.user_usage(owner) == len(used)

    def teardown(self) -> None:
        """Whatever happened, all can be brought to an end, and removed without a trace."""
        for consumer in _CONSUMERS:
            self.die(consumer)
        for job in self.jobs.values():
            self.queue.resume(job)
        for _ in range(1000):
            tasks = self.queue.take("last", [self.name], 5, idle=True).tasks
            for task in tasks:
                assert self._work(task, "seal", 0)
            if not tasks:
                break
        self.counts_are_true()
        for name in list(self.jobs):
            ended = self.queue.job(name)
            assert ended is not None
            assert ended.state.ended, ended
            self._forget(ended, delete=True)
            assert list(self.leftovers(name)) == []

    def _user(self, name: str) -> str:
        """Of this run alone, so that one that failed leaves nothing to the next."""
        return f"{name}-{self.name}"

    def _job(self, which: int) -> Job:
        found = self.queue.job(list(self.jobs)[which % len(self.jobs)])
        assert found is not None
        return found

    def _forget(self, job: Job, *, delete: bool) -> None:
        if delete:
            assert self.queue.delete(job)
        assert self.queue.forget(job.id)
        for consumer in _CONSUMERS:
            self.beat(consumer)
        del self.jobs[job.id]
        self.cancelled.discard(job.id)
        self.published = {k: v for k, v in self.published.items() if k[0] != job.id}

    def _work(self, task: Task, how: str, number: int, *, again: bool = False) -> bool:
        """Bring an attempt to an end; for one that was made before, nothing may change."""
        queue = self.queue
        if how in ("release", "away", "later"):
            later = how == "later"
            kept = queue.release(task, "why", counts=how == "release", seconds=later * 0.001)
            time.sleep(later * 0.003)  # so that it is due whenever the next one looks
            return kept
        if how == "fan" and task.kind is Kind.ITEM:
            return queue.fan(task, number)
        job = queue.job(task.job)
        if task.kind is Kind.LIST and how != "failed" and job:
            if job.items < _MOST_ITEMS - number and number < 4 and how != "seal":
                queue.extend(job, job.items, 0 if again else number, last=False)
                return queue.release(task, "more to come", counts=False)
            queue.extend(job, job.items, number, last=True)
        failed = how == "failed"
        won = queue.finish(task, Outcome.FAILED if failed else Outcome.DONE, seconds=0.1)
        if won and not failed and task.kind in (Kind.ITEM, Kind.MERGE) and not again:
            key = (task.job, task.item)
            assert key not in self.published, "published twice"
            self.published[key] = task.attempt
        return won


def _what(task: Task) -> tuple[str, Kind, int, int]:
    return task.job, task.kind, task.item, task.part
