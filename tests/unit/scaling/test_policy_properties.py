"""What holds of every policy, whatever there is."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytomill.scaling.policies import NAMES
from cytomill.scaling.snapshot import Load, Pool, Role, Snapshot, State, Worker
from tests.unit.scaling.snapshots import NOW
from tests.unit.scaling.test_policies import given as chosen

QUEUES = ("nuclei", "track")
each_policy = pytest.mark.parametrize("name", NAMES)

#: A machine that is busy is no fault of what is tested.
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def snapshots(draw):
    pools = tuple(
        Pool(
            f"{role}-{number}",
            role,
            most=draw(st.integers(0, 300)),
            threads=draw(st.sampled_from([1, 4])),
            startup=draw(st.sampled_from([0.0, 3.0, 120.0, 900.0])),
            price=draw(st.sampled_from([0.0, 0.5, 3.0])),
            pipelines=draw(st.sampled_from([(), ("nuclei",), ("track",), QUEUES])),
        )
        for role in Role
        for number in range(draw(st.integers(0, 2)))
    )
    ids = count()
    those = []
    for pool in pools:
        for state in State:
            for _ in range(draw(st.integers(0, 3))):
                busy = draw(st.integers(0, 6)) if state in (State.READY, State.DRAINING) else 0
                since = NOW - draw(st.sampled_from([0.0, 60.0, 5000.0]))
                those.append(Worker(str(next(ids)), pool.name, state, since, busy))
    loads = tuple(
        Load(
            queue,
            draw(st.sampled_from([0, 1, 40, 100_000])),
            draw(st.integers(0, 20)),
            draw(st.sampled_from([0.0, 30.0, 4000.0])),
            seconds,
            seconds * draw(st.sampled_from([0.0, 0.05, 1.0])),
        )
        for queue in QUEUES[: draw(st.integers(0, 2))]
        for seconds in [draw(st.sampled_from([0.0, 0.01, 3.6, 900.0]))]
    )
    use = draw(st.sampled_from([None, 0.0, 0.3, 0.97, 1.0]))
    return Snapshot(NOW, pools, tuple(those), loads, use, draw(st.sampled_from([0.0, 19.9, 30.0])))


@each_policy
@few
@given(snapshots())
def test_each_pool_has_a_wish_with_a_reason_and_the_same_again(name, snapshot):
    policy = chosen(name)
    wishes = policy.wishes(snapshot)
    assert wishes.keys() == {pool.name for pool in snapshot.pools}
    assert all(wish.count >= 0 and wish.why for wish in wishes.values())
    assert policy.wishes(snapshot) == wishes


@each_policy
@few
@given(snapshots())
def test_for_nothing_nobody_is_wished_for(name, snapshot):
    busy = {one.queue for one in snapshot.loads if one.tasks}
    wishes = chosen(name).wishes(snapshot)
    for pool in snapshot.pools:
        if not any(pool.serves(queue) for queue in busy) and not wishes[pool.name].firm:
            assert wishes[pool.name].count == 0


@pytest.mark.parametrize("name", ["throughput", "deadline"])
@few
@given(snapshots())
def test_tasks_get_consumers_and_no_pool_more_than_it_may_have(name, snapshot):
    wishes = chosen(name).wishes(snapshot)
    for pool in snapshot.pools:
        assert wishes[pool.name].count <= max(pool.most, snapshot.count(pool))
    consumers = [pool for pool in snapshot.pools if pool.role is Role.CONSUMER]
    for load in snapshot.loads:
        able = [pool for pool in consumers if pool.serves(load.queue)]
        if any(pool.most for pool in able) and load.tasks:
            assert sum(wishes[pool.name].count for pool in able) >= 1


@few
@given(snapshots())
def test_a_budget_that_is_spent_starts_nobody(snapshot):
    if snapshot.spent < 20.0:
        return
    for pool in snapshot.pools:
        assert chosen("budget").wishes(snapshot)[pool.name].count <= snapshot.count(pool)
