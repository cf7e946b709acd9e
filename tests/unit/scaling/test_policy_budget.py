"""What a sum of money buys, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.scaling.policies.budget import Budget
from cytomill.scaling.policies.throughput import Throughput
from cytomill.scaling.snapshot import State
from tests.unit.scaling.snapshots import CONSUMERS, SERVERS, load, seen, workers

WORK = load(10_000, seconds=3.6, inference=0.16)

#: An hour of it costs 3.6: a second a thousandth.
POOL = replace(CONSUMERS, name="pool", price=3.6, startup=100.0)


def wishes(budget, those=(), work=WORK, pools=(CONSUMERS, SERVERS), spent=0.0, **fields):
    return Budget(budget, **fields).wishes(seen(pools, those, [work] if work else [], spent=spent))


def counts(*arguments, **fields):
    return {name: wish.count for name, wish in wishes(*arguments, **fields).items()}


def test_money_enough_is_no_limit():
    free = Throughput().wishes(seen(loads=[WORK]))
    assert wishes(1000.0) == free


def test_what_is_left_pays_for_the_work_and_for_as_many_starts_as_it_may():
    # 1000 s of work cost 1. A worker costs 0.1 to start, 0.015 + 0.09 + 3 x 0.001 to end.
    work = load(1000, seconds=1.0)
    assert counts(10.0, work=work, pools=[POOL]) == {"pool": 20}
    assert counts(2.0, work=work, pools=[POOL]) == {"pool": 4}  # 1 / 0.208
    found = wishes(2.0, work=work, pools=[POOL])["pool"]
    assert found.why.startswith("the budget holds back 16 more, for 2.00 is left of it; 17 min")


def test_where_not_all_can_be_paid_a_quarter_goes_into_starts_once():
    work = load(100_000, seconds=1.0)
    assert counts(10.0, work=work, pools=[POOL]) == {"pool": 12}  # 2.5 / 0.208
    there = workers(POOL, State.STARTING, 12, since=seen().now)
    assert counts(10.0, there, work, [POOL])["pool"] == 12
    ready = workers(POOL, number=12, busy=1)
    assert counts(10.0, ready, work, [POOL], spent=2.0)["pool"] == 12


def test_consumers_are_held_back_with_the_model_servers_they_are_for():
    found = counts(1.0)
    assert 0 < found["servers"] < 10
    assert found["consumers"] / found["servers"] < 30


def test_for_too_little_to_start_one_of_each_nothing_is_started():
    found = wishes(0.01)
    assert {wish.count for wish in found.values()} == {0}
    assert found["servers"].why.startswith("the budget holds back 26 more, for 0.01 is left")


def test_of_the_last_of_it_nothing_new_is_started():
    assert counts(100.0, spent=94.0)["servers"] > 0
    assert counts(100.0, spent=96.0)["servers"] == 0


def test_workers_go_on_while_more_is_left_than_they_need_to_end():
    # Each needs 15 + 90 + 3 x 3.6 s to end: 10 of them 1.158.
    those, work = workers(POOL, number=10, busy=1), load(10_000, 10, seconds=3.6)
    assert counts(20.0, those, work, [POOL], spent=18.8) == {"pool": 10}
    found = wishes(20.0, those, work, [POOL], spent=18.9)["pool"]
    assert (found.count, found.firm) == (0, True)
    assert found.why == (
        "the budget of 20 is used up: 18.90 are spent, and 1.16 kept for what still runs"
    )


def test_who_starts_needs_less_to_end_and_who_waits_for_a_place_next_to_nothing():
    def kept(state):
        those = workers(POOL, state, 10, since=seen().now)
        why = wishes(0.1, those, load(10), [POOL])["pool"].why
        return float(why.split("and ")[1].split(" ")[0])

    assert kept(State.ASKED) == pytest.approx(0.15)
    assert kept(State.STARTING) == pytest.approx(1.05)


def test_model_servers_stay_while_consumers_finish_and_go_after_them():
    busy = workers(CONSUMERS, number=6, busy=1) + workers(SERVERS, number=3, busy=1)
    # 3.6 an hour keep 0.117; what it takes to end after that is 0.09.
    found = wishes(1.0, busy, spent=0.9)
    assert found["consumers"].count == 0
    assert found["servers"].count == 3
    assert all(wish.firm for wish in found.values())
    done = workers(CONSUMERS, State.DRAINING, 6) + workers(SERVERS, number=3)
    assert counts(1.0, done, spent=0.95) == {"consumers": 0, "servers": 0}


def test_model_servers_do_not_wait_for_consumers_that_hang():
    busy = workers(CONSUMERS, State.DRAINING, 6, busy=1) + workers(SERVERS, number=3, busy=1)
    assert counts(1.0, busy, spent=0.92)["servers"] == 0


def test_when_the_money_is_gone_nobody_comes_back():
    assert counts(1.0, spent=1.0) == {"consumers": 0, "servers": 0}
    assert counts(1.0, spent=0.97) == {"consumers": 0, "servers": 0}


def test_nothing_to_do_needs_nobody_whatever_is_left():
    assert counts(10.0, workers(CONSUMERS, number=2), None) == {"consumers": 0, "servers": 0}
