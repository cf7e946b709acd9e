"""From wishes to what is done now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.scaling.policy import Wish
from cytomill.scaling.snapshot import State
from cytomill.scaling.steady import Memory, Steadying
from tests.unit.scaling.snapshots import CONSUMERS, NOW, SERVERS, acted, seen, workers

POOL = replace(CONSUMERS, name="pool", most=10, startup=60.0)
STEADYING = Steadying(shortest=10.0)  # its cool-down is 30 s here


class Cycles:
    """A cluster whose workers start and stop at once, decided about every 2 s."""

    def __init__(self, pool=POOL, those=(), steadying=STEADYING):
        self.seen = seen([pool], those)
        self.memory, self.steadying = Memory(), steadying
        self.changes = []

    def wish(self, count, seconds=2.0, **fields):
        """Have so many wished for so long; returns how many there are then."""
        until = self.seen.now + seconds
        while self.seen.now < until:
            wishes = {pool.name: Wish(count, "because", **fields) for pool in self.seen.pools}
            decision, self.memory = self.steadying.steady(self.seen, wishes, self.memory)
            change = sum(decision.start.values()) - len(decision.stop)
            if change:
                self.changes.append((self.seen.now - NOW, change))
            self.wanted = decision.wanted["pool"]
            self.seen = acted(self.seen, decision, 2.0)
        return len(self.seen.workers)


def once(those, count, pool=POOL, **fields):
    snapshot = seen([pool], those)
    wishes = {pool.name: Wish(count, "because", **fields)}
    return STEADYING.steady(snapshot, wishes, Memory())[0]


def held_long(those, count, pool=POOL):
    """What is decided once such a wish has lasted."""
    snapshot = seen([pool], those)
    wishes = {pool.name: Wish(count, "because")}
    memory = Memory(highs={pool.name: ((NOW - 0.1, count),)})
    return STEADYING.steady(snapshot, wishes, memory)[0]


def test_what_is_missing_is_started_at_once_and_together():
    assert once((), 7).start == {"pool": 7}


def test_workers_that_come_are_not_missing_and_draining_ones_are():
    those = workers(POOL, State.ASKED, 2) + workers(POOL, State.STARTING, 1)
    assert once(those + workers(POOL, State.DRAINING, 3), 7).start == {"pool": 4}


def test_no_more_than_most_and_no_fewer_than_least():
    decision = once((), 50)
    assert decision.start == {"pool": 10}
    assert decision.wanted["pool"].why == "because; no more than 10 may be had"
    decision = once((), 0, replace(POOL, least=2))
    assert decision.start == {"pool": 2}
    assert decision.wanted["pool"].why == "because; at least 2 are kept"


def test_workers_are_kept_for_the_cooldown():
    cycles = Cycles()
    cycles.wish(8)
    assert cycles.wish(0, 30.0) == 8
    assert cycles.wanted == Wish(8, "because; 8 more are kept for a while")
    assert cycles.wish(0, 4.0) == 0
    assert [change for _, change in cycles.changes] == [8, -8]


def test_the_cooldown_is_half_a_start_up_within_bounds():
    pools = [replace(POOL, startup=seconds) for seconds in (2.0, 200.0, 4000.0)]
    assert [Steadying().cooldown(pool) for pool in pools] == [60.0, 100.0, 300.0]


def test_a_wish_that_falters_stops_nobody():
    cycles = Cycles()
    cycles.wish(8)
    for _ in range(50):
        cycles.wish(2, 20.0)
        cycles.wish(8, 2.0)
    assert cycles.changes == [(0.0, 8)]


def test_a_little_less_is_waited_for_much_longer():
    cycles = Cycles()
    cycles.wish(8)
    assert cycles.wish(7, 590.0) == 8
    assert cycles.wish(7, 20.0) == 7


def test_the_chances_of_a_steady_load_turn_nothing_round():
    cycles = Cycles()
    for turn in range(600):  # 20 minutes
        cycles.wish((8, 7, 8, 7, 6, 7, 7)[turn % 7])
    assert cycles.changes == [(0.0, 8)]


def test_after_a_restart_nobody_is_stopped_for_the_cooldown():
    cycles = Cycles(those=workers(POOL, number=8))
    assert cycles.wish(0, 30.0) == 8
    assert cycles.wish(0, 4.0) == 0


def test_the_busy_are_not_stopped():
    those = workers(POOL, number=3, busy=1) + workers(POOL, number=2, idle=9.0)
    assert {one.busy for one in held_long(those, 0).stop} == {0}
    assert len(held_long(those, 0).stop) == 2


def test_those_without_a_place_go_first_then_those_that_start_then_the_longest_idle():
    asked = workers(POOL, State.ASKED)
    starting = workers(POOL, State.STARTING)
    idle = tuple(workers(POOL, idle=seconds)[0] for seconds in (5.0, 90.0, 40.0))
    idle = tuple(replace(one, id=str(n)) for n, one in enumerate(idle))
    stopped = [held_long(idle + starting + asked, count).stop for count in (3, 2, 1)]
    assert set(stopped[0]) == {*asked, *starting}
    assert stopped[1][-1].idle == 90.0
    assert {one.idle for one in stopped[2]} == {0.0, 90.0, 40.0}


def test_a_firm_wish_ends_the_busy_too_and_at_once():
    those = workers(POOL, number=3, busy=2) + workers(POOL, State.STARTING, 2)
    decision = once(those, 1, firm=True)
    assert len(decision.stop) == 4
    assert decision.wanted["pool"] == Wish(1, "because", True)
    assert len(once(those, 0, firm=True).stop) == 5


def test_a_firm_wish_for_more_is_like_any():
    assert once((), 3, firm=True).start == {"pool": 3}


def test_what_was_lost_is_made_up_for_while_it_is_wished_for_only():
    cycles = Cycles()
    cycles.wish(8)
    cycles.seen = replace(cycles.seen, workers=cycles.seen.workers[:5])
    assert cycles.wish(8) == 8
    cycles.seen = replace(cycles.seen, workers=cycles.seen.workers[:5])
    assert cycles.wish(2) == 5


def test_a_successor_is_asked_for_a_start_up_before_the_end():
    # A start-up and a quarter are 75 s.
    those = workers(POOL, number=2, busy=1, ends=NOW + 76.0)
    assert once(those, 2).start == {}
    those = workers(POOL, number=2, busy=1, ends=NOW + 74.0)
    assert once(those, 2).start == {"pool": 2}
    assert once(those, 0).start == {}


def test_of_a_pool_that_is_full_successors_wait_until_there_is_room():
    pool = replace(POOL, most=3)
    those = workers(pool, number=2, busy=1, ends=NOW + 5.0)
    assert once(those, 2, pool).start == {"pool": 1}


def test_who_is_about_to_end_stays_until_its_successor_is_ready():
    leaving = workers(POOL, ends=NOW + 50.0)
    coming = workers(POOL, State.STARTING, since=NOW - 5.0)
    assert held_long(leaving + coming, 1).stop == ()
    assert held_long(leaving + workers(POOL), 1).stop == leaving


def test_workers_with_little_time_get_no_successors_as_soon_as_they_are_there():
    pool = replace(POOL, lifetime=60.0)
    those = workers(pool, ends=NOW + 40.0, since=NOW - 20.0)
    assert once(those, 1, pool).start == {}


def test_wishes_stand_for_their_period():
    cycles = Cycles(steadying=Steadying(period=15.0))
    cycles.wish(2)
    assert cycles.wish(9, 12.0) == 2
    assert cycles.wish(9, 4.0) == 9


def test_a_pool_that_is_new_ends_the_period():
    steadying = Steadying(period=15.0)
    _, memory = steadying.steady(seen([POOL]), {"pool": Wish(1, "")}, Memory())
    wishes = {"pool": Wish(3, ""), "servers": Wish(1, "")}
    decision, _ = steadying.steady(seen([POOL, SERVERS]), wishes, memory)
    assert decision.start == {"pool": 3, "servers": 1}


@pytest.mark.parametrize("count", [0, 3, 10])
def test_where_there_is_what_is_wished_for_nothing_is_done(count):
    decision = held_long(workers(POOL, number=count), count)
    assert (decision.start, decision.stop) == ({}, ())
