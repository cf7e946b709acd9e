"""The contract of queues as tests: from submitting to what came of each item."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest

from ..jobs.errors import ConflictError, QuotaError
from ..jobs.job import Job, State
from ..jobs.task import Kind, Outcome
from .queue_rig import Q, QueueFixtures, a_job, listed, now, take

if TYPE_CHECKING:
    from ..jobs.queue import Queue


class WorkTests(QueueFixtures):
    """Of consumers."""

    # Submitting and listing

    def test_a_job_is_known_and_its_first_task_is_to_list(self, queue: Queue) -> None:
        """What was given comes back, and a consumer is asked to find the items."""
        given = Job("a1", "anna", Q, "mine", {"x": 1}, {"y": [2]}, ({"upload": "u"},))
        job = queue.submit(given, days=1)
        assert dataclasses.replace(given, waiting=1, created=job.created) == job == queue.job("a1")
        assert queue.jobs("anna") == queue.jobs() == [job]
        assert queue.job("b") is None
        assert queue.jobs("ben") == []
        (task,) = take(queue)
        assert (task.job, task.kind) == ("a1", Kind.LIST)
        assert not take(queue)

    def test_a_job_is_submitted_once(self, queue: Queue) -> None:
        """Again after a lost answer, and again with the same idempotency key."""
        first = queue.submit(a_job(), once="key", digest="d")
        assert queue.submit(first, once="key", digest="d").id == first.id
        assert queue.submit(a_job(), once="key", digest="d").id == first.id
        with pytest.raises(ConflictError):
            queue.submit(a_job(), once="key", digest="another")
        assert queue.submit(a_job("ben"), once="key", digest="d").owner == "ben"
        assert len(take(queue)) == 2

    def test_names_that_look_like_keys_are_kept_apart(self, queue: Queue) -> None:
        """Neither owners nor idempotency keys can be made to mean another's."""
        one = queue.submit(a_job("a:b"), once="c", digest="d")
        two = queue.submit(a_job("a"), once="b:c", digest="d")
        assert one.id != two.id
        assert queue.names("a") == [two.id]

    def test_a_user_has_so_many_jobs_at_work(self, queue: Queue) -> None:
        """Those that have ended, or are others', do not count."""
        job = queue.submit(a_job(), most_jobs=1)
        with pytest.raises(QuotaError):
            queue.submit(a_job(), most_jobs=1)
        queue.submit(a_job("ben"), most_jobs=1)
        assert queue.user_usage("anna") == 1
        queue.cancel(job)
        assert queue.user_usage("anna") == 0
        queue.submit(a_job(), most_jobs=1)

    def test_pages_of_jobs_miss_none(self, queue: Queue) -> None:
        """However close they were submitted."""
        names = [queue.submit(a_job()).id for _ in range(30)]
        found: list[Job] = []
        while page := queue.jobs("anna", before=found[-1].created if found else None, count=7):
            found += page
        assert [job.id for job in found] == names[::-1]

    def test_items_are_found_once(self, queue: Queue) -> None:
        """Pages that are told again count once, and those after a gap not at all."""
        job = queue.submit(a_job())
        (task,) = take(queue)
        assert queue.extend(job, 0, 3, last=False) == 3
        assert queue.extend(job, 0, 3, last=False) == 3
        assert queue.extend(job, 5, 3, last=True) == 3
        assert queue.extend(job, 3, 2, last=True) == 5
        assert queue.extend(job, 3, 2, last=True) == 5
        with pytest.raises(QuotaError):
            queue.extend(queue.submit(a_job()), 0, 6, last=True, most=5)
        assert queue.finish(task, Outcome.DONE)
        known = now(queue, job)
        assert (known.items, known.sealed, known.state) == (5, True, State.RUNNING)

    def test_listing_that_stops_midway_goes_on(self, queue: Queue) -> None:
        """A job is never left without a task that could end it."""
        job = queue.submit(a_job())
        (task,) = take(queue)
        queue.extend(job, 0, 1, last=False)
        queue.finish(task, Outcome.DONE)
        time.sleep(1.1)
        (item,) = take(queue, 1)
        assert item.kind is Kind.LIST

    def test_a_job_without_items_ends(self, queue: Queue) -> None:
        """Its report is all that there is to do."""
        job = listed(queue, 0)
        (task,) = take(queue)
        assert task.kind is Kind.REPORT
        assert queue.finish(task, Outcome.DONE)
        assert now(queue, job).state is State.DONE

    def test_listing_that_fails_fails_the_job(self, queue: Queue) -> None:
        """With its reason."""
        job = queue.submit(a_job())
        (task,) = take(queue)
        queue.finish(task, Outcome.FAILED, reason="no such folder")
        known = now(queue, job)
        assert (known.state, known.reason, known.waiting) == (State.FAILED, "no such folder", 0)
        with pytest.raises(ConflictError):
            queue.retry(known)

    # Items

    def test_every_item_is_given_once_and_then_the_report(self, queue: Queue) -> None:
        """And what came of it is added up."""
        job = listed(queue, 5)
        tasks = take(queue, 3) + take(queue, 9)
        assert [task.item for task in tasks] == [0, 1, 2, 3, 4]
        assert not take(queue)
        for task in tasks[:-1]:
            assert queue.finish(task, Outcome.DONE, objects=2, seconds=0.5)
        assert queue.finish(tasks[-1], Outcome.FAILED, reason="no image")
        known = now(queue, job)
        assert (known.done, known.failed, known.objects, known.seconds) == (4, 1, 8, 2.0)
        assert queue.states(known, 0, 10) == [("done", 1)] * 4 + [("failed", 1)]
        assert queue.errors(known, [3, 4]) == {4: "no image"}
        assert queue.find(known, "failed", 0, 10) == ([4], 5)
        (report,) = take(queue)
        assert report.kind is Kind.REPORT
        assert known.state is State.RUNNING
        assert queue.finish(report, Outcome.DONE)
        known = now(queue, job)
        assert (known.state, known.waiting) == (State.DONE, 0)
        assert known.finished >= known.started >= known.created

    def test_an_answer_that_was_lost_is_given_again(self, queue: Queue) -> None:
        """Finishing, fanning out and releasing do the same when they are asked twice."""
        job = listed(queue, 3)
        one, two, three = take(queue, 3)
        for _ in range(2):
            assert queue.finish(one, Outcome.DONE, objects=1)
            assert queue.fan(two, 2)
            assert queue.release(three, "busy")
        known = now(queue, job)
        assert (known.done, known.objects, known.waiting) == (1, 1, 3)

    def test_several_are_finished_at_once(self, queue: Queue) -> None:
        """Each has its own answer."""
        job = listed(queue, 3)
        one, two, three = take(queue, 3)
        late = dataclasses.replace(two, attempt=2)
        ended = [(task, Outcome.DONE, 1, 0.1, "") for task in (one, late, three)]
        assert queue.finish_all(ended) == [True, False, True]
        assert now(queue, job).done == 2

    def test_of_two_attempts_one_is_published(self, queue: Queue) -> None:
        """The consumer was thought dead, and comes back after another took over."""
        job = listed(queue, 1)
        (first,) = take(queue, consumer="slow")
        assert queue.bury("slow", [Q]) == 1
        assert queue.bury("slow", [Q]) == 0
        assert not queue.finish(first, Outcome.DONE)
        (second,) = take(queue)
        assert (second.item, second.attempt, second.tries) == (0, 2, 1)
        assert queue.beat("slow", [first]) == [False]
        assert not queue.fan(first, 2)
        assert not queue.finish(first, Outcome.DONE)
        assert queue.finish(second, Outcome.DONE)
        assert not queue.finish(first, Outcome.DONE)
        assert not queue.finish(first, Outcome.FAILED)
        assert queue.states(now(queue, job), 0, 1) == [("done", 2)]

    def test_an_item_that_kills_fails_alone(self, queue: Queue) -> None:
        """After two deaths an image is tried with no other beside it, after five it fails."""
        job = listed(queue, 3)
        for _ in range(2):
            assert len(take(queue, 3, consumer="c")) == 3
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
        known = now(queue, job)
        assert (known.done, known.failed, known.waiting) == (2, 1, 1)
        assert "died" in queue.errors(known, [1])[1]

    def test_a_task_given_back_is_tried_again(self, queue: Queue) -> None:
        """Later, and so often; what is nobody's fault is no try, however often it happens."""
        job = listed(queue, 1)
        for number in range(100):
            (task,) = take(queue)
            assert (task.attempt, task.tries) == (number + 1, 0)
            assert queue.release(task, "away", counts=False)
        for number in range(5):
            (task,) = take(queue)
            assert (task.attempt, task.tries) == (number + 101, number)
            assert queue.release(task, f"fault {number}") == (number < 4)
        assert queue.errors(now(queue, job), [0]) == {0: "fault 4"}

    def test_a_task_is_put_off(self, queue: Queue) -> None:
        """It waits, and is counted, but not given before its time."""
        job = listed(queue, 1)
        (task,) = take(queue)
        assert queue.release(task, "away", counts=False, seconds=0.2)
        assert not take(queue)
        assert now(queue, job).waiting == queue.numbers(Q).waiting == 1
        time.sleep(0.25)
        assert len(take(queue)) == 1
        assert now(queue, job).waiting == queue.numbers(Q).waiting == 0

    # Parts

    def test_parts_are_merged(self, queue: Queue) -> None:
        """When all have ended, in whatever order, and however often one says so."""
        job = listed(queue, 1)
        assert queue.fan(take(queue)[0], 3)
        parts = take(queue, 3)
        assert [(part.kind, part.item, part.part) for part in parts] == [
            (Kind.PART, 0, number) for number in range(3)
        ]
        for part in (parts[2], parts[0], parts[2], parts[1]):
            assert not take(queue)
            assert part.parts == 1
            assert queue.finish(part, Outcome.DONE, seconds=1)
        (merge,) = take(queue, 1)
        assert (merge.kind, merge.item, merge.attempt, merge.parts) == (Kind.MERGE, 0, 2, 1)
        assert queue.finish(merge, Outcome.DONE, objects=7)
        known = now(queue, job)
        assert (known.done, known.objects, known.seconds) == (1, 7, 3.0)

    def test_a_part_that_fails_fails_its_item(self, queue: Queue) -> None:
        """Its siblings are not begun any more, and those in hand are lost."""
        job = listed(queue, 2)
        assert queue.fan(take(queue, 1)[0], 1000)
        one, two = take(queue, 2)
        assert queue.finish(one, Outcome.FAILED, reason="no memory")
        assert not queue.finish(two, Outcome.DONE)
        (other,) = take(queue, 9)
        assert (other.kind, other.item) == (Kind.ITEM, 1)
        known = now(queue, job)
        assert (known.failed, known.waiting) == (1, 0)

    def test_parts_of_an_earlier_attempt_do_not_count(self, queue: Queue) -> None:
        """Their results lie elsewhere than those of the attempt that is merged."""
        job = listed(queue, 1)
        assert queue.fan(take(queue)[0], 2)
        old, failing = take(queue, 2)
        assert queue.finish(failing, Outcome.FAILED)
        assert queue.retry(now(queue, job)) == 1
        assert queue.fan(take(queue)[0], 2)
        assert not queue.finish(old, Outcome.DONE)
        parts = take(queue, 9)
        assert [(part.kind, part.parts) for part in parts] == [(Kind.PART, 2)] * 2
