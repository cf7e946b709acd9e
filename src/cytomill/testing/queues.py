"""The contract of queues as tests."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ..jobs.errors import ConflictError, QuotaError
from ..jobs.job import Job, Priority, State
from ..jobs.task import Kind, Outcome, Task
from .queue_machine import machine

if TYPE_CHECKING:
    from ..jobs.queue import Queue

#: Names what the queue still knows of a job.
Leftovers = Callable[[str], Sequence[str]]

Q = "nuclei"


class QueueTests:
    """Subclass it and give the fixture ``queue``: empty, with five tries for a task."""

    @pytest.fixture
    def queue(self) -> Queue:
        """The queue under test."""
        raise NotImplementedError

    @pytest.fixture
    def leftovers(self) -> Leftovers:
        """What is still stored of a job, for queues where one can look."""
        return lambda job: []

    # Submitting and listing

    def test_a_job_is_known_and_its_first_task_is_to_list(self, queue: Queue) -> None:
        """What was given comes back, and a consumer is asked to find the items."""
        given = Job("a1", "anna", Q, "mine", {"x": 1}, {"y": [2]}, ({"upload": "u"},))
        job = queue.submit(given, days=1)
        assert dataclasses.replace(given, waiting=1, created=job.created) == job == queue.job("a1")
        assert queue.jobs("anna") == queue.jobs() == [job]
        assert queue.job("b") is None
        assert queue.jobs("ben") == []
        (task,) = _take(queue)
        assert (task.job, task.kind) == ("a1", Kind.LIST)
        assert not _take(queue)

    def test_a_job_is_submitted_once(self, queue: Queue) -> None:
        """Again after a lost answer, and again with the same idempotency key."""
        first = queue.submit(_job(), once="key", digest="d")
        assert queue.submit(first, once="key", digest="d").id == first.id
        assert queue.submit(_job(), once="key", digest="d").id == first.id
        with pytest.raises(ConflictError):
            queue.submit(_job(), once="key", digest="another")
        assert queue.submit(_job("ben"), once="key", digest="d").owner == "ben"
        assert len(_take(queue)) == 2

    def test_names_that_look_like_keys_are_kept_apart(self, queue: Queue) -> None:
        """Neither owners nor idempotency keys can be made to mean another's."""
        one = queue.submit(_job("a:b"), once="c", digest="d")
        two = queue.submit(_job("a"), once="b:c", digest="d")
        assert one.id != two.id
        assert queue.names("a") == [two.id]

    def test_a_user_has_so_many_jobs_at_work(self, queue: Queue) -> None:
        """Those that have ended, or are others', do not count."""
        job = queue.submit(_job(), most_jobs=1)
        with pytest.raises(QuotaError):
            queue.submit(_job(), most_jobs=1)
        queue.submit(_job("ben"), most_jobs=1)
        assert queue.user_usage("anna") == 1
        queue.cancel(job)
        assert queue.user_usage("anna") == 0
        queue.submit(_job(), most_jobs=1)

    def test_pages_of_jobs_miss_none(self, queue: Queue) -> None:
        """However close they were submitted."""
        names = [queue.submit(_job()).id for _ in range(30)]
        found: list[Job] = []
        while page := queue.jobs("anna", before=found[-1].created if found else None, count=7):
            found += page
        assert [job.id for job in found] == names[::-1]

    def test_items_are_found_once(self, queue: Queue) -> None:
        """Pages that are told again count once, and those after a gap not at all."""
        job = queue.submit(_job())
        (task,) = _take(queue)
        assert queue.extend(job, 0, 3, last=False) == 3
        assert queue.extend(job, 0, 3, last=False) == 3
        assert queue.extend(job, 5, 3, last=True) == 3
        assert queue.extend(job, 3, 2, last=True) == 5
        assert queue.extend(job, 3, 2, last=True) == 5
        with pytest.raises(QuotaError):
            queue.extend(queue.submit(_job()), 0, 6, last=True, most=5)
        assert queue.finish(task, Outcome.DONE)
        now = _now(queue, job)
        assert (now.items, now.sealed, now.state) == (5, True, State.RUNNING)

    def test_listing_that_stops_midway_goes_on(self, queue: Queue) -> None:
        """A job is never left without a task that could end it."""
        job = queue.submit(_job())
        (task,) = _take(queue)
        queue.extend(job, 0, 1, last=False)
        queue.finish(task, Outcome.DONE)
        time.sleep(1.1)
        (item,) = _take(queue, 1)
        assert item.kind is Kind.LIST

    def test_a_job_without_items_ends(self, queue: Queue) -> None:
        """Its report is all that there is to do."""
        job = _listed(queue, 0)
        (task,) = _take(queue)
        assert task.kind is Kind.REPORT
        assert queue.finish(task, Outcome.DONE)
        assert _now(queue, job).state is State.DONE

    def test_listing_that_fails_fails_the_job(self, queue: Queue) -> None:
        """With its reason."""
        job = queue.submit(_job())
        (task,) = _take(queue)
        queue.finish(task, Outcome.FAILED, reason="no such folder")
        now = _now(queue, job)
        assert (now.state, now.reason, now.waiting) == (State.FAILED, "no such folder", 0)
        with pytest.raises(ConflictError):
            queue.retry(now)

    # Items

    def test_every_item_is_given_once_and_then_the_report(self, queue: Queue) -> None:
        """And what came of it is added up."""
        job = _listed(queue, 5)
        tasks = _take(queue, 3) + _take(queue, 9)
        assert [task.item for task in tasks] == [0, 1, 2, 3, 4]
        assert not _take(queue)
        for task in tasks[:-1]:
            assert queue.finish(task, Outcome.DONE, objects=2, seconds=0.5)
        assert queue.finish(tasks[-1], Outcome.FAILED, reason="no image")
        now = _now(queue, job)
        assert (now.done, now.failed, now.objects, now.seconds) == (4, 1, 8, 2.0)
        assert queue.states(now, 0, 10) == [("done", 1)] * 4 + [("failed", 1)]
        assert queue.errors(now, [3, 4]) == {4: "no image"}
        assert queue.find(now, "failed", 0, 10) == ([4], 5)
        (report,) = _take(queue)
        assert report.kind is Kind.REPORT
        assert now.state is State.RUNNING
        assert queue.finish(report, Outcome.DONE)
        now = _now(queue, job)
        assert (now.state, now.waiting) == (State.DONE, 0)
        assert now.finished >= now.started >= now.created

    def test_an_answer_that_was_lost_is_given_again(self, queue: Queue) -> None:
        """Finishing, fanning out and releasing do the same when they are asked twice."""
        job = _listed(queue, 3)
        one, two, three = _take(queue, 3)
        for _ in range(2):
            assert queue.finish(one, Outcome.DONE, objects=1)
            assert queue.fan(two, 2)
            assert queue.release(three, "busy")
        now = _now(queue, job)
        assert (now.done, now.objects, now.waiting) == (1, 1, 3)

    def test_several_are_finished_at_once(self, queue: Queue) -> None:
        """Each has its own answer."""
        job = _listed(queue, 3)
        one, two, three = _take(queue, 3)
        late = dataclasses.replace(two, attempt=2)
        ended = [(task, Outcome.DONE, 1, 0.1, "") for task in (one, late, three)]
        assert queue.finish_all(ended) == [True, False, True]
        assert _now(queue, job).done == 2

    def test_of_two_attempts_one_is_published(self, queue: Queue) -> None:
        """The consumer was thought dead, and comes back after another took over."""
        job = _listed(queue, 1)
        (first,) = _take(queue, consumer="slow")
        assert queue.bury("slow", [Q]) == 1
        assert queue.bury("slow", [Q]) == 0
        assert not queue.finish(first, Outcome.DONE)
        (second,) = _take(queue)
        assert (second.item, second.attempt, second.tries) == (0, 2, 1)
        assert queue.beat("slow", [first]) == [False]
        assert not queue.fan(first, 2)
        assert not queue.finish(first, Outcome.DONE)
        assert queue.finish(second, Outcome.DONE)
        assert not queue.finish(first, Outcome.DONE)
        assert not queue.finish(first, Outcome.FAILED)
        assert queue.states(_now(queue, job), 0, 1) == [("done", 2)]

    def test_an_item_that_kills_fails_alone(self, queue: Queue) -> None:
        """After two deaths an image is tried with no other beside it, after five it fails."""
        job = _listed(queue, 3)
        for _ in range(2):
            assert len(_take(queue, 3, consumer="c")) == 3
            queue.bury("c", [Q])
        assert queue.take("busy", [Q], 9, idle=False).suspects == 1
        for _ in range(5):
            taken = queue.take("c", [Q], 9, idle=True)
            (task,) = taken.tasks
            assert taken.alone
            if task.item == 1:
                queue.bury("c", [Q])
            else:
                assert queue.finish(task, Outcome.DONE)
        now = _now(queue, job)
        assert (now.done, now.failed, now.waiting) == (2, 1, 1)
        assert "died" in queue.errors(now, [1])[1]

    def test_a_task_given_back_is_tried_again(self, queue: Queue) -> None:
        """Later, and so often; what is nobody's fault is no try, however often it happens."""
        job = _listed(queue, 1)
        for number in range(100):
            (task,) = _take(queue)
            assert (task.attempt, task.tries) == (number + 1, 0)
            assert queue.release(task, "away", counts=False)
        for number in range(5):
            (task,) = _take(queue)
            assert (task.attempt, task.tries) == (number + 101, number)
            assert queue.release(task, f"fault {number}") == (number < 4)
        assert queue.errors(_now(queue, job), [0]) == {0: "fault 4"}

    def test_a_task_is_put_off(self, queue: Queue) -> None:
        """It waits, and is counted, but not given before its time."""
        job = _listed(queue, 1)
        (task,) = _take(queue)
        assert queue.release(task, "away", counts=False, seconds=0.2)
        assert not _take(queue)
        assert _now(queue, job).waiting == queue.numbers(Q).waiting == 1
        time.sleep(0.25)
        assert len(_take(queue)) == 1

    # Parts

    def test_parts_are_merged(self, queue: Queue) -> None:
        """When all have ended, in whatever order, and however often one says so."""
        job = _listed(queue, 1)
        assert queue.fan(_take(queue)[0], 3)
        parts = _take(queue, 3)
        assert [(part.kind, part.item, part.part) for part in parts] == [
            (Kind.PART, 0, number) for number in range(3)
        ]
        for part in (parts[2], parts[0], parts[2], parts[1]):
            assert not _take(queue)
            assert part.parts == 1
            assert queue.finish(part, Outcome.DONE, seconds=1)
        (merge,) = _take(queue, 1)
        assert (merge.kind, merge.item, merge.attempt, merge.parts) == (Kind.MERGE, 0, 2, 1)
        assert queue.finish(merge, Outcome.DONE, objects=7)
        now = _now(queue, job)
        assert (now.done, now.objects, now.seconds) == (1, 7, 3.0)

    def test_a_part_that_fails_fails_its_item(self, queue: Queue) -> None:
        """Its siblings are not begun any more, and those in hand are lost."""
        job = _listed(queue, 2)
        assert queue.fan(_take(queue, 1)[0], 1000)
        one, two = _take(queue, 2)
        assert queue.finish(one, Outcome.FAILED, reason="no memory")
        assert not queue.finish(two, Outcome.DONE)
        (other,) = _take(queue, 9)
        assert (other.kind, other.item) == (Kind.ITEM, 1)
        now = _now(queue, job)
        assert (now.failed, now.waiting) == (1, 0)

    def test_parts_of_an_earlier_attempt_do_not_count(self, queue: Queue) -> None:
        """Their results lie elsewhere than those of the attempt that is merged."""
        job = _listed(queue, 1)
        assert queue.fan(_take(queue)[0], 2)
        old, failing = _take(queue, 2)
        assert queue.finish(failing, Outcome.FAILED)
        assert queue.retry(_now(queue, job)) == 1
        assert queue.fan(_take(queue)[0], 2)
        assert not queue.finish(old, Outcome.DONE)
        parts = _take(queue, 9)
        assert [(part.kind, part.parts) for part in parts] == [(Kind.PART, 2)] * 2

    # What users ask for

    def test_a_paused_job_waits(self, queue: Queue) -> None:
        """What is in hand goes on; it is not counted as work until it goes on."""
        job = _listed(queue, 3)
        (task,) = _take(queue, 1)
        assert queue.pause(job, "the bucket is full")
        assert not _take(queue)
        now = _now(queue, job)
        assert (now.state, now.reason, now.waiting) == (State.PAUSED, "the bucket is full", 2)
        assert (queue.numbers(Q).waiting, queue.numbers(Q).age) == (0, 0)
        assert queue.beat("c", [task]) == [True]
        assert queue.finish(task, Outcome.DONE)
        assert queue.resume(job)
        assert not queue.resume(job)
        assert queue.numbers(Q).waiting == len(_take(queue, 9)) == 2

    def test_a_pause_ends_by_itself_unless_someone_pauses(self, queue: Queue) -> None:
        """A user's word holds longer than a fault."""
        job, other = _listed(queue, 1), _listed(queue, 1)
        for one in (job, other):
            assert queue.pause(one, "full", seconds=0.2)
        assert queue.pause(other, "by hand")
        assert not queue.pause(other, "full", seconds=0.1)
        time.sleep(0.3)
        assert [task.job for task in _take(queue, 9)] == [job.id]

    def test_a_cancelled_job_stops(self, queue: Queue) -> None:
        """What is done stays, what is in hand is told to stop, nothing more is begun."""
        job = _listed(queue, 5)
        done, fanned, held = _take(queue, 3)
        queue.finish(done, Outcome.DONE)
        queue.fan(fanned, 3)
        assert queue.cancel(job)
        assert not queue.cancel(job)
        assert queue.beat("c", [held]) == [False]
        assert not queue.finish(held, Outcome.DONE)
        assert queue.finish(done, Outcome.DONE)
        assert not queue.release(held, "late")
        assert not _take(queue)
        now = _now(queue, job)
        assert (now.state, now.done, now.waiting) == (State.CANCELLED, 1, 0)
        assert queue.numbers(Q).waiting == queue.numbers(Q).running == 0
        with pytest.raises(ConflictError):
            queue.retry(now)

    def test_failed_items_are_tried_again(self, queue: Queue) -> None:
        """All tries anew, and a new report, of a job that has ended or is at work."""
        job = _listed(queue, 4)
        for task in _take(queue, 4):
            queue.finish(task, Outcome.FAILED if task.item % 2 else Outcome.DONE)
        (report,) = _take(queue)
        assert queue.retry(_now(queue, job)) == 2
        assert queue.retry(_now(queue, job)) == 0
        for task in _take(queue, 9):
            assert task.attempt == 2
            assert queue.finish(task, Outcome.DONE)
        assert queue.finish(report, Outcome.DONE)
        assert _now(queue, job).state is State.RUNNING, "that was the report before the retry"
        (newer,) = _take(queue)
        assert queue.finish(newer, Outcome.DONE)
        now = _now(queue, job)
        assert (now.state, now.done, now.failed) == (State.DONE, 4, 0)

    def test_a_failed_report_is_tried_again(self, queue: Queue) -> None:
        """The items of the job need not be."""
        job = _listed(queue, 0)
        assert queue.finish(_take(queue)[0], Outcome.FAILED, reason="bucket")
        assert _now(queue, job).state is State.FAILED
        assert queue.retry(_now(queue, job)) == 0
        assert queue.finish(_take(queue)[0], Outcome.DONE)
        assert _now(queue, job).state is State.DONE

    def test_what_was_deleted_never_comes_back(self, queue: Queue, leftovers: Leftovers) -> None:
        """Not even by calls that come late."""
        job = _listed(queue, 6)
        item, fanned, put_off, killer, failed = _take(queue, 5)
        queue.fan(fanned, 2)
        queue.release(put_off, "away", seconds=60)
        queue.finish(failed, Outcome.FAILED, reason="bad")
        for _ in range(2):
            queue.bury("c", [Q])
            held = _take(queue, 9)
        queue.pause(job, "full", seconds=60)
        assert queue.delete(job)
        assert queue.expired() == [("job", job.id)]
        assert queue.forget(job.id)
        assert not queue.forget(job.id)
        for task in (item, fanned, put_off, killer, failed):
            assert not queue.finish(task, Outcome.DONE)
            assert not queue.fan(task, 2)
            assert not queue.release(task, "late")
        assert not any(queue.beat("c", [item, killer, *held]))
        assert queue.extend(job, 6, 2, last=True) == -1
        late = [queue.pause(job, "late"), queue.resume(job), queue.cancel(job)]
        assert not any([*late, queue.pin(job), queue.delete(job)])
        assert queue.job(job.id) is None
        assert not queue.expired()
        assert not _take(queue, 9)
        assert list(leftovers(job.id)) == []

    def test_a_job_expires_unless_it_is_pinned(self, queue: Queue) -> None:
        """So many days after it ended."""
        job = queue.submit(_job(), days=1e-7)
        assert not queue.expired()
        queue.cancel(job)
        time.sleep(0.02)
        assert queue.expired() == [("job", job.id)]
        assert queue.pin(job)
        assert not queue.expired()
        assert not queue.condemn(job)
        assert _now(queue, job).pinned
        assert queue.pin(job, False)
        for _ in range(2):
            assert queue.expired() == [("job", job.id)]
            assert queue.condemn(job)
        assert _now(queue, job).state is State.DELETING
        assert not queue.pin(job)

    # Fairness

    @pytest.mark.parametrize("owner", ["aaa", "anna", "zoe"])
    def test_one_image_behind_a_million_is_next(self, queue: Queue, owner: str) -> None:
        """Whether the million are another's or one's own."""
        _listed(queue, 1_000_000)
        _take(queue, 50)
        job = _listed(queue, 1, owner=owner)
        (task,) = _take(queue, 1)
        assert task.job == job.id

    def test_users_share_alike(self, queue: Queue) -> None:
        """However many jobs they have, and whenever they came."""
        for owner, jobs in (("anna", 3), ("ben", 1)):
            for _ in range(jobs):
                _listed(queue, 100, owner=owner)
        _take(queue, 20)
        _listed(queue, 100, owner="zoe")
        tasks = _take(queue, 30)
        owners = [_now_of(queue, task.job).owner for task in tasks]
        assert all(9 <= owners.count(owner) <= 11 for owner in ("anna", "ben", "zoe"))
        jobs_of_anna = [task.job for task in tasks if _now_of(queue, task.job).owner == "anna"]
        assert len(set(jobs_of_anna)) == 3

    def test_coming_back_gains_nothing(self, queue: Queue) -> None:
        """One image at a time gets no more than a share."""
        big = _listed(queue, 1000)
        owners = []
        waiting: list[Job] = []
        for _ in range(40):
            if not waiting or _now(queue, waiting[-1]).waiting == 0:
                waiting.append(queue.submit(_job("zoe")))
            owners += [task.job == big.id for task in _take(queue, 1)]
        assert 18 <= sum(owners) <= 22

    def test_priority_is_among_the_jobs_of_a_user(self, queue: Queue) -> None:
        """It gains nothing against others."""
        low, high = (_listed(queue, 10, priority=p) for p in (Priority.LOW, Priority.HIGH))
        bens = _listed(queue, 10, owner="ben")
        names = [task.job for task in _take(queue, 20)]
        assert sorted(names) == sorted([high.id] * 10 + [bens.id] * 10)
        assert [task.job for task in _take(queue, 20)] == [low.id] * 10

    # Watching

    def test_numbers_say_what_there_is_to_do(self, queue: Queue) -> None:
        """Waiting, in hand, for how long, and the seconds that it will take."""
        empty = queue.numbers(Q)
        assert (empty.waiting, empty.running, empty.age, empty.work) == (0, 0, 0, 0)
        _listed(queue, 10)
        for task in _take(queue, 4)[:2]:
            queue.finish(task, Outcome.DONE, seconds=3)
        time.sleep(0.01)
        numbers = queue.numbers(Q)
        assert (numbers.waiting, numbers.running) == (6, 2)
        assert 0 < numbers.age < 60
        assert numbers.work == pytest.approx(18)
        assert queue.queues() == [Q]
        assert queue.consumers() == ["c"]

    def test_position_counts_the_jobs_before(self, queue: Queue) -> None:
        """Of those with something left to begin."""
        jobs = [_listed(queue, 2) for _ in range(3)]
        assert [queue.position(job) for job in jobs] == [0, 1, 2]
        queue.cancel(jobs[0])
        assert [queue.position(_now(queue, job)) for job in jobs] == [0, 0, 1]

    def test_events_tell_of_every_state(self, queue: Queue) -> None:
        """In order, to those who read on from the last they have seen."""
        job = queue.submit(_job())
        seen = queue.last_event()
        queue.pause(job, "")
        queue.resume(job)
        queue.cancel(job)
        events = queue.events(seen, wait=0)
        assert [event.state for event in events] == ["paused", "listing", "cancelled"]
        assert {(event.job, event.owner) for event in events} == {(job.id, "anna")}
        assert events[-1].id == queue.last_event()
        assert not queue.events(events[-1].id, wait=0)

    def test_no_history_loses_an_item_or_publishes_one_twice(
        self, queue: Queue, leftovers: Leftovers
    ) -> None:
        """Whatever users, consumers and death do, in whatever order."""
        run_state_machine_as_test(
            machine(queue, leftovers),
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def _job(owner: str = "anna", priority: Priority = Priority.NORMAL) -> Job:
    return Job(secrets.token_hex(6), owner, Q, priority=priority)


def _take(queue: Queue, count: int = 2, consumer: str = "c") -> list[Task]:
    return list(queue.take(consumer, [Q], count, idle=True).tasks)


def _listed(
    queue: Queue, items: int, *, owner: str = "anna", priority: Priority = Priority.NORMAL
) -> Job:
    """A job whose items were found; whatever else waits stays where it is."""
    job = queue.submit(_job(owner, priority))
    queue.extend(job, 0, items, last=True)
    return job


def _now(queue: Queue, job: Job) -> Job:
    return _now_of(queue, job.id)


def _now_of(queue: Queue, name: str) -> Job:
    found = queue.job(name)
    assert found is not None
    return found
