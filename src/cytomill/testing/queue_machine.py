"""Users, consumers and death do what they like to a queue, and a plain model keeps account."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ..jobs.errors import ConflictError
from ..jobs.job import Job, Priority, State
from ..jobs.task import Kind, Outcome, Task

if TYPE_CHECKING:
    from ..jobs.queue import Queue

_USERS = ("anna", "ben")
_CONSUMERS = ("c1", "c2", "c3")
_MOST_JOBS, _MOST_ITEMS = 4, 12

#: How often something happens, beside the others.
_OFTEN = {
    "take": 12,
    "work": 20,
    "submit": 3,
    "die": 2,
    "haunt": 3,
    "beat": 1,
    "pause": 1,
    "resume": 2,
    "retry": 3,
    "cancel": 1,
    "remove": 1,
}

#: How an attempt ends; what is no item is done rather than fanned out.
_HOW = ("done", "failed", "fan", "release", "done", "fan", "away", "done", "later", "done")


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
        #: The attempt that ended last, and what was answered.
        self.last: tuple[Task, bool] | None = None
        #: Of each published item, the attempt.
        self.published: dict[tuple[str, int], int] = {}
        self.cancelled: set[str] = set()
        for user in range(2):
            self._submit(user, 0, False)
            self.queue.extend(list(self.jobs.values())[user], 0, 4, last=user == 0)

    @rule(
        what=st.sampled_from([name for name, often in _OFTEN.items() for _ in range(often)]),
        which=st.integers(0, 99),
        number=st.integers(1, 4),
        twice=st.booleans(),
    )
    def happens(self, what: str, which: int, number: int, twice: bool) -> None:
        """One rule for all, so that the usual happens often and the rest now and then."""
        for again in range(1 + twice):
            getattr(self, f"_{what}")(which, number, bool(again))

    # What users do

    def _submit(self, which: int, number: int, again: bool) -> None:
        if not again and len(self.jobs) < _MOST_JOBS:
            self.submitted += 1
            # Of equals the first by name is next: the same in each run of the same history.
            name = f"{self.name}-{self.submitted:03d}"
            priority = list(Priority)[number % 3]
            self.jobs[name] = Job(name, self._user(which), self.name, priority=priority)
        for job in list(self.jobs.values())[-1:]:
            assert self.queue.submit(job).id == job.id

    def _pause(self, which: int, number: int, again: bool) -> None:
        if job := self._job(which):
            self.queue.pause(job, "why", seconds=number // 3 * 100)

    def _resume(self, which: int, number: int, again: bool) -> None:
        if job := self._job(which):
            self.queue.resume(job)

    def _cancel(self, which: int, number: int, again: bool) -> None:
        job = self._job(which)
        if job and self.queue.cancel(job):
            self.cancelled.add(job.id)

    def _retry(self, which: int, number: int, again: bool) -> None:
        if job := self._job(which):
            try:
                assert self.queue.retry(job) == job.failed
            except ConflictError:
                assert job.state in (State.CANCELLED, State.FAILED)

    def _remove(self, which: int, number: int, again: bool) -> None:
        job = self._job(which)
        if job and not again:
            self._forget(job, delete=number < 3)

    # What consumers do

    def _take(self, which: int, number: int, again: bool) -> None:
        consumer = _CONSUMERS[which % len(_CONSUMERS)]
        held = self.hands[consumer]
        taken = self.queue.take(consumer, [self.name], number, idle=not held)
        assert len(taken.tasks) <= number
        if len(taken.tasks) < number and not (taken.alone or taken.suspects):
            assert self.queue.numbers(self.name).waiting == 0
        for task in taken.tasks:
            others = [one for each in self.hands.values() for one in each]
            assert _what(task) not in {_what(other) for other in others}
            self.hands[consumer].append(task)

    def _work(self, which: int, number: int, again: bool) -> None:
        how = _HOW[which % len(_HOW)]
        if again:
            if self.last is not None:
                task, first = self.last
                assert self._end(task, how, number, again=True) == first
            return
        held = [(consumer, task) for consumer, each in self.hands.items() for task in each]
        self.last = None
        if held:
            consumer, task = held[which % len(held)]
            self.hands[consumer].remove(task)
            self.last = task, self._end(task, how, number)

    def _beat(self, which: int, number: int, again: bool) -> None:
        held = self.hands[_CONSUMERS[which % len(_CONSUMERS)]]
        keep = self.queue.beat(_CONSUMERS[which % len(_CONSUMERS)], held)
        for task, goes_on in zip(list(held), keep, strict=True):
            job = self.queue.job(task.job)
            assert goes_on == (job is not None and not job.state.ended)
            if not goes_on:
                held.remove(task)
                self.zombies.append(task)

    def _die(self, which: int, number: int, again: bool) -> None:
        """As far as the queue knows: as after a lease without a beat."""
        consumer = _CONSUMERS[which % len(_CONSUMERS)]
        assert self.queue.bury(consumer, [self.name]) == len(self.hands[consumer])
        self.zombies += self.hands[consumer]
        self.hands[consumer] = []

    def _haunt(self, which: int, number: int, again: bool) -> None:
        """Who was thought dead goes on with what is another's, or nobody's, by now."""
        if not self.zombies:
            return
        task, how = self.zombies[which % len(self.zombies)], _HOW[number]
        before = self.queue.job(task.job)
        if task.kind is Kind.LIST:
            won = self.queue.finish(task, Outcome.FAILED if how == "failed" else Outcome.DONE)
        else:
            won = self._end(task, how, 2, again=True)
        # A late part lies where its own would: it counts.
        if task.kind in (Kind.ITEM, Kind.MERGE) and how in ("done", "failed", "fan"):
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
        for owner in map(self._user, range(len(_USERS))):
            used = [job for job in self.queue.jobs(owner) if not job.state.ended]
            assert self.queue.user_usage(owner) == len(used)

    def teardown(self) -> None:
        """Whatever happened, all can be brought to an end, and removed without a trace."""
        for number in range(len(_CONSUMERS)):
            self._die(number, 0, False)
        for job in self.jobs.values():
            self.queue.resume(job)
        for _ in range(1000):
            tasks = self.queue.take("last", [self.name], 5, idle=True).tasks
            for task in tasks:
                assert self._end(task, "seal", 0)
            if not tasks:
                break
        self.counts_are_true()
        for name in list(self.jobs):
            ended = self.queue.job(name)
            assert ended is not None
            assert ended.state.ended, ended
            self._forget(ended, delete=True)
            assert list(self.leftovers(name)) == []

    def _user(self, which: int) -> str:
        """Of this run alone, so that one that failed leaves nothing to the next."""
        return f"{_USERS[which % len(_USERS)]}-{self.name}"

    def _job(self, which: int) -> Job | None:
        if not self.jobs:
            return None
        found = self.queue.job(list(self.jobs)[which % len(self.jobs)])
        assert found is not None
        return found

    def _forget(self, job: Job, *, delete: bool) -> None:
        if delete:
            assert self.queue.delete(job)
        assert self.queue.forget(job.id)
        for number in range(len(_CONSUMERS)):
            self._beat(number, 0, False)
        del self.jobs[job.id]
        self.cancelled.discard(job.id)
        self.published = {k: v for k, v in self.published.items() if k[0] != job.id}

    def _end(self, task: Task, how: str, number: int, *, again: bool = False) -> bool:
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
