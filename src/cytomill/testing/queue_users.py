"""The contract of queues as tests: what users ask for, their shares, and what they see."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ..jobs.errors import ConflictError
from ..jobs.job import Job, Priority, State
from ..jobs.task import Outcome
from .queue_rig import Leftovers, Q, QueueFixtures, a_job, listed, now, now_of, take

if TYPE_CHECKING:
    from ..jobs.queue import Queue


class UserTests(QueueFixtures):
    """Of users."""

    # What users ask for

    def test_a_paused_job_waits(self, queue: Queue) -> None:
        """What is in hand goes on; it is not counted as work until it goes on."""
        job = listed(queue, 3)
        (task,) = take(queue, 1)
        assert queue.pause(job, "the bucket is full")
        assert not take(queue)
        known = now(queue, job)
        assert (known.state, known.reason, known.waiting) == (State.PAUSED, "the bucket is full", 2)
        assert (queue.numbers(Q).waiting, queue.numbers(Q).age) == (0, 0)
        assert queue.beat("c", [task]) == [True]
        assert queue.finish(task, Outcome.DONE)
        assert queue.resume(job)
        assert not queue.resume(job)
        assert queue.numbers(Q).waiting == len(take(queue, 9)) == 2

    def test_a_pause_ends_by_itself_unless_someone_pauses(self, queue: Queue) -> None:
        """A user's word holds longer than a fault."""
        job, other = listed(queue, 1), listed(queue, 1)
        for one in (job, other):
            assert queue.pause(one, "full", seconds=0.2)
        assert queue.pause(other, "by hand")
        assert not queue.pause(other, "full", seconds=0.1)
        time.sleep(0.3)
        assert [task.job for task in take(queue, 9)] == [job.id]

    def test_a_cancelled_job_stops(self, queue: Queue) -> None:
        """What is done stays, what is in hand is told to stop, nothing more is begun."""
        job = listed(queue, 5)
        done, fanned, held = take(queue, 3)
        queue.finish(done, Outcome.DONE)
        queue.fan(fanned, 3)
        assert queue.cancel(job)
        assert not queue.cancel(job)
        assert queue.beat("c", [held]) == [False]
        assert not queue.finish(held, Outcome.DONE)
        assert queue.finish(done, Outcome.DONE)
        assert not queue.release(held, "late")
        assert not take(queue)
        known = now(queue, job)
        assert (known.state, known.done, known.waiting) == (State.CANCELLED, 1, 0)
        assert queue.numbers(Q).waiting == queue.numbers(Q).running == 0
        with pytest.raises(ConflictError):
            queue.retry(known)

    def test_failed_items_are_tried_again(self, queue: Queue) -> None:
        """All tries anew, and a new report, of a job that has ended or is at work."""
        job = listed(queue, 4)
        for task in take(queue, 4):
            queue.finish(task, Outcome.FAILED if task.item % 2 else Outcome.DONE)
        (report,) = take(queue)
        assert queue.retry(now(queue, job)) == 2
        assert queue.retry(now(queue, job)) == 0
        for task in take(queue, 9):
            assert task.attempt == 2
            assert queue.finish(task, Outcome.DONE)
        assert queue.finish(report, Outcome.DONE)
        assert now(queue, job).state is State.RUNNING, "that was the report before the retry"
        (newer,) = take(queue)
        assert queue.finish(newer, Outcome.DONE)
        known = now(queue, job)
        assert (known.state, known.done, known.failed) == (State.DONE, 4, 0)

    def test_a_failed_report_is_tried_again(self, queue: Queue) -> None:
        """The items of the job need not be."""
        job = listed(queue, 0)
        assert queue.finish(take(queue)[0], Outcome.FAILED, reason="bucket")
        assert now(queue, job).state is State.FAILED
        assert queue.user_usage("anna") == 0
        assert queue.retry(now(queue, job)) == 0
        assert queue.user_usage("anna") == 1
        assert queue.finish(take(queue)[0], Outcome.DONE)
        assert now(queue, job).state is State.DONE

    def test_what_was_deleted_never_comes_back(self, queue: Queue, leftovers: Leftovers) -> None:
        """Not even by calls that come late."""
        job = listed(queue, 6)
        item, fanned, put_off, killer, failed = take(queue, 5)
        queue.fan(fanned, 2)
        queue.release(put_off, "away", seconds=60)
        queue.finish(failed, Outcome.FAILED, reason="bad")
        for _ in range(2):
            queue.bury("c", [Q])
            held = take(queue, 9)
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
        assert not take(queue, 9)
        assert list(leftovers(job.id)) == []

    def test_a_job_expires_unless_it_is_pinned(self, queue: Queue) -> None:
        """So many days after it ended."""
        job = queue.submit(a_job(), days=1e-7)
        assert not queue.expired()
        queue.cancel(job)
        time.sleep(0.02)
        assert queue.expired() == [("job", job.id)]
        assert queue.pin(job)
        assert not queue.expired()
        assert not queue.condemn(job)
        assert now(queue, job).pinned
        assert queue.pin(job, False)
        for _ in range(2):
            assert queue.expired() == [("job", job.id)]
            assert queue.condemn(job)
        assert now(queue, job).state is State.DELETING
        assert not queue.pin(job)

    # Fairness

    @pytest.mark.parametrize("owner", ["aaa", "anna", "zoe"])
    def test_one_image_behind_a_million_is_next(self, queue: Queue, owner: str) -> None:
        """Whether the million are another's or one's own."""
        listed(queue, 1_000_000)
        take(queue, 50)
        job = listed(queue, 1, owner=owner)
        (task,) = take(queue, 1)
        assert task.job == job.id

    def test_users_share_alike(self, queue: Queue) -> None:
        """However many jobs they have, and whenever they came."""
        for owner, jobs in (("anna", 3), ("ben", 1)):
            for _ in range(jobs):
                listed(queue, 100, owner=owner)
        take(queue, 20)
        listed(queue, 100, owner="zoe")
        tasks = take(queue, 30)
        owners = [now_of(queue, task.job).owner for task in tasks]
        assert all(9 <= owners.count(owner) <= 11 for owner in ("anna", "ben", "zoe"))
        jobs_of_anna = [task.job for task in tasks if now_of(queue, task.job).owner == "anna"]
        assert len(set(jobs_of_anna)) == 3

    def test_coming_back_gains_nothing(self, queue: Queue) -> None:
        """One image at a time gets no more than a share."""
        big = listed(queue, 1000)
        owners = []
        waiting: list[Job] = []
        for _ in range(40):
            if not waiting or now(queue, waiting[-1]).waiting == 0:
                waiting.append(queue.submit(a_job("zoe")))
            owners += [task.job == big.id for task in take(queue, 1)]
        assert 18 <= sum(owners) <= 22

    def test_priority_is_among_the_jobs_of_a_user(self, queue: Queue) -> None:
        """It gains nothing against others."""
        low, high = (listed(queue, 10, priority=p) for p in (Priority.LOW, Priority.HIGH))
        bens = listed(queue, 10, owner="ben")
        names = [task.job for task in take(queue, 20)]
        assert sorted(names) == sorted([high.id] * 10 + [bens.id] * 10)
        assert [task.job for task in take(queue, 20)] == [low.id] * 10

    # Watching

    def test_numbers_say_what_there_is_to_do(self, queue: Queue) -> None:
        """Waiting, in hand, for how long, and the seconds that it will take."""
        empty = queue.numbers(Q)
        assert (empty.waiting, empty.running, empty.age, empty.work) == (0, 0, 0, 0)
        listed(queue, 10)
        for task in take(queue, 4)[:2]:
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
        jobs = [listed(queue, 2) for _ in range(3)]
        assert [queue.position(job) for job in jobs] == [0, 1, 2]
        queue.cancel(jobs[0])
        assert [queue.position(now(queue, job)) for job in jobs] == [0, 0, 1]

    def test_events_tell_of_every_state(self, queue: Queue) -> None:
        """In order, to those who read on from the last they have seen."""
        job = queue.submit(a_job())
        seen = queue.last_event()
        queue.pause(job, "")
        queue.resume(job)
        queue.cancel(job)
        events = queue.events(seen, wait=0)
        assert [event.state for event in events] == ["paused", "listing", "cancelled"]
        assert {(event.job, event.owner) for event in events} == {(job.id, "anna")}
        assert events[-1].id == queue.last_event()
        assert not queue.events(events[-1].id, wait=0)
