"""The arithmetic of work that flows, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.scaling.policies.fill import Bounds, Work, fill, remaining
from cytomill.scaling.snapshot import State
from tests.unit.scaling.snapshots import CONSUMERS, NOW, seen, workers

POOL = replace(CONSUMERS, name="pool", startup=100.0, most=50)


def filled(works, those=(), pools=(POOL,), **bounds):
    return fill(seen(pools, those), pools, works, Bounds(**{"pays": 1.0, **bounds}))


def work(waiting, each=1.0, running=0, **fields):
    return Work(fields.pop("queue", "images"), waiting, running, each, **fields)


def test_new_workers_are_as_many_as_have_a_start_up_of_work_each():
    # n workers do 1000 s of work in 100 + 1000 / n: a start-up each where n is 10.
    found = filled([work(1000)])
    assert found.counts == {"pool": 10}
    assert found.done == {"images": pytest.approx(200.0)}


def test_half_as_much_work_pays_where_half_a_start_up_does():
    assert filled([work(1000)], pays=0.5).counts == {"pool": 20}


def test_where_jobs_wait_for_long_half_as_much_pays():
    assert filled([work(1000, age=50.0)]).counts == {"pool": 13}  # 1000 / 75
    assert filled([work(1000, age=100.0)]).counts == {"pool": 20}
    assert filled([work(1000, age=9000.0)]).counts == {"pool": 20}


def test_a_guess_must_promise_more():
    assert filled([work(1000, sure=False)], doubt=2.0).counts == {"pool": 5}


def test_those_that_are_ready_do_their_part_while_others_start():
    # 4 that are ready do 200 s of work in 50 s: nothing is left for who is ready in 100 s.
    ready = workers(POOL, number=4)
    assert filled([work(200)], ready).counts == {"pool": 4}
    # Of 2000 s of work, 4 + n do (2000 + 100 n) / (4 + n) s, which is 200 where n is 12.
    assert filled([work(2000)], ready).counts == {"pool": 16}


def test_those_that_come_count_from_when_they_will_be_ready():
    # 5 are ready in 40 s, and all is done in (1000 + 200) / 5 = 240 s; with n more, in
    # (1200 + 100 n) / (5 + n), which is 200 where n is 2.
    coming = workers(POOL, State.STARTING, 5, since=NOW - 60.0)
    found = filled([work(1000)], coming)
    assert found.counts == {"pool": 7}
    assert found.done == {"images": pytest.approx(1400.0 / 7)}


def test_who_would_come_too_late_is_not_kept():
    those = workers(POOL, number=10) + workers(POOL, State.STARTING, 3, since=NOW - 60.0)
    assert filled([work(100)], those).counts == {"pool": 10}


def test_no_more_threads_than_tasks():
    assert filled([work(3, each=1000.0)]).counts == {"pool": 3}
    two = replace(POOL, threads=2)
    assert filled([work(3, each=1000.0)], pools=[two]).counts == {"pool": 2}
    assert filled([work(0, each=1000.0, running=4)], workers(POOL, number=9)).counts == {"pool": 4}


def test_for_tasks_that_all_run_nobody_is_started():
    assert filled([work(0, each=1000.0, running=4)], workers(POOL, number=2)).counts == {"pool": 2}


def test_of_tasks_that_run_half_is_left():
    assert work(10, each=2.0, running=4).seconds == 24.0


def test_the_least_work_gets_one_worker():
    found = filled([work(1, each=0.01)])
    assert found.counts == {"pool": 1}
    assert found.done == {"images": pytest.approx(100.01)}


def test_in_time_is_enough():
    # 1000 s of work in 300 s, of which 100 go by before they are ready: 5 workers.
    assert filled([work(1000, by=300.0)], pays=0.0).counts == {"pool": 5}
    found = filled([work(1000, by=300.0)], workers(POOL, number=1), pays=0.0)
    assert found.counts == {"pool": 5}  # 300 + 4 x 200 >= 1000
    assert found.reasons == {"pool": "these finish in time"}


def test_what_is_urgent_is_counted_for_itself():
    urgent = work(500, by=150.0, queue="urgent")  # 10 workers for the 50 s that are left
    later = work(500, by=2000.0, queue="later")
    assert filled([urgent, later], pays=0.0).counts == {"pool": 10}
    assert filled([later], pays=0.0).counts == {"pool": 1}


def test_bounds_of_use_hold_for_pools_together():
    other = replace(POOL, name="other")
    limits = {"pool": 4.0, "other": 4.0}
    found = filled([work(10_000)], pools=[POOL, other], use=limits, soon=limits)
    assert sum(found.counts.values()) == 4
    assert "the model servers can use no more" in found.reasons.values()


def test_the_soonest_pool_comes_first_then_the_cheapest():
    slow = replace(POOL, name="slow", startup=200.0, price=0.01, most=100)
    quick = replace(POOL, name="quick", startup=50.0, price=9.0, most=4)
    dear = replace(POOL, name="dear", startup=50.0, price=10.0, most=4)
    counts = filled([work(1000)], pools=[slow, dear, quick]).counts
    assert counts == {"quick": 4, "dear": 4, "slow": 0}
    counts = filled([work(1000, by=1200.0)], pools=[slow, dear, quick], cheap=True).counts
    assert counts == {"slow": 1, "quick": 0, "dear": 0}


def test_pools_for_few_queues_come_first_and_others_get_what_is_left():
    only = replace(POOL, name="only", pipelines=("track",), most=2)
    works = [work(1000, queue="track"), work(500, queue="nuclei")]
    found = filled(works, pools=[POOL, only])
    # In two start-ups `only` does 200 s of its 1000.
    assert found.counts == {"only": 2, "pool": 13}
    idle = filled([work(500, queue="nuclei")], pools=[POOL, only])
    assert idle.counts == {"only": 0, "pool": 5}


def test_a_queue_that_nobody_serves_is_never_done():
    only = replace(POOL, pipelines=("track",))
    found = filled([work(10)], pools=[only])
    assert found.counts == {"pool": 0}
    assert found.done == {"images": float("inf")}


@pytest.mark.parametrize(
    ("state", "age", "seconds"),
    [
        (State.READY, 9.0, 0.0),
        (State.STARTING, 30.0, 70.0),
        (State.STARTING, 95.0, 10.0),
        (State.STARTING, 500.0, 10.0),
        (State.ASKED, 30.0, 70.0),
        (State.ASKED, 500.0, 50.0),
    ],
)
def test_who_is_late_is_not_taken_to_be_there(state, age, seconds):
    (one,) = workers(POOL, state, since=NOW - age)
    assert remaining(POOL, one, NOW) == pytest.approx(seconds)
