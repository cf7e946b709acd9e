"""What holds whatever is wished for and whatever there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytomill.scaling.policy import Wish
from cytomill.scaling.snapshot import Pool, Role, Snapshot, State, Worker
from cytomill.scaling.steady import Memory, Steadying
from tests.unit.scaling.snapshots import NOW, acted

NAMES = ("a", "b")

#: A machine that is busy is no fault of what is tested.
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def pools(draw):
    found = []
    for name in NAMES:
        least = draw(st.integers(0, 4))
        found.append(
            Pool(
                name,
                draw(st.sampled_from(Role)),
                least,
                least + draw(st.integers(0, 12)),
                startup=draw(st.sampled_from([0.0, 5.0, 120.0, 2000.0])),
                lifetime=draw(st.sampled_from([None, 30.0, 3600.0])),
            )
        )
    return tuple(found)


@st.composite
def snapshots(draw):
    ids = count()
    states = st.sampled_from(State)
    found = draw(
        st.lists(
            st.tuples(
                st.sampled_from(NAMES),
                states,
                st.integers(0, 2),
                st.one_of(st.none(), st.floats(0.0, 400.0)),
            ),
            max_size=25,
        )
    )
    those = []
    for pool, state, busy, ends in found:
        hands = busy if state in (State.READY, State.DRAINING) else 0
        end = None if ends is None or state is State.ASKED else NOW + ends
        those.append(Worker(str(next(ids)), pool, state, NOW - 50.0, hands, ends=end))
    return Snapshot(NOW, draw(pools()), tuple(those), ())


wishes = st.fixed_dictionaries(
    {name: st.builds(Wish, st.integers(0, 30), st.just("x"), st.booleans()) for name in NAMES}
)
memories = st.builds(
    lambda highs: Memory(highs={"a": highs}),
    st.lists(st.integers(0, 20), max_size=4, unique=True).map(
        lambda some: tuple(
            (NOW - 100.0 + 20.0 * n, high) for n, high in enumerate(sorted(some, reverse=True))
        )
    ),
)
steadyings = st.sampled_from([Steadying(), Steadying(period=15.0), Steadying(calm=0.0)])


@few
@given(snapshots(), wishes, memories, steadyings)
def test_one_decision_is_within_bounds_and_spares_the_busy(snapshot, wished, memory, steadying):
    decision, _ = steadying.steady(snapshot, wished, memory)
    stopped = {one.id for one in decision.stop}
    assert len(stopped) == len(decision.stop)
    for pool in snapshot.pools:
        there = snapshot.count(pool)
        started = decision.start.get(pool.name, 0)
        ended = [one for one in decision.stop if one.pool == pool.name]
        assert pool.least <= decision.wanted[pool.name].count <= pool.most
        assert not (started and ended)
        assert started >= 0
        assert pool.name not in decision.start or started
        assert not started or there + started <= pool.most
        assert not ended or there - len(ended) >= pool.least
        for one in ended:
            assert one.state is not State.DRAINING
            assert not one.busy or wished[pool.name].firm


@few
@given(snapshots(), wishes, memories, steadyings)
def test_equal_snapshots_are_decided_about_alike(snapshot, wished, memory, steadying):
    decision, after = steadying.steady(snapshot, wished, memory)
    assert steadying.steady(snapshot, wished, memory) == (decision, after)
    again, same = steadying.steady(snapshot, wished, after)
    assert again == decision
    assert same == after


@few
@given(snapshots(), wishes, steadyings)
def test_constant_wishes_are_met_and_stay_met(snapshot, wished, steadying):
    free = tuple(
        replace(one, busy=0, ends=None)
        for one in snapshot.workers
        if one.state is not State.DRAINING
    )
    snapshot, memory = replace(snapshot, workers=free), Memory()
    numbers, changed = count(), []
    for _ in range(30):
        decision, memory = steadying.steady(snapshot, wished, memory)
        changed.append(bool(decision.start or decision.stop))
        snapshot = acted(snapshot, decision, 50.0, numbers)
    for pool in snapshot.pools:
        held = min(pool.most, max(pool.least, wished[pool.name].count))
        assert snapshot.count(pool) == held
    assert not any(changed[15:])


@few
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.integers(0, 3),
    st.sampled_from([0.0, 30.0, 120.0]),
)
def test_whatever_is_wished_for_in_turn_counts_stay_within_bounds(turns, least, startup):
    pool = Pool("a", Role.CONSUMER, least, 9, startup=startup)
    snapshot, memory, numbers = Snapshot(NOW, (pool,), (), ()), Memory(), count()
    wishing: list[tuple[float, int]] = []
    for wished in turns:
        wishing.append((snapshot.now, wished))
        decision, memory = Steadying().steady(snapshot, {"a": Wish(wished, "")}, memory)
        # Nobody is stopped who was wished for within the cool-down.
        late = snapshot.now - Steadying().cooldown(pool)
        highest = max(number for time, number in wishing if time >= late)
        if decision.stop:
            assert snapshot.count(pool) - len(decision.stop) >= min(9, highest)
        snapshot = acted(snapshot, decision, 2.0, numbers)
        assert least <= snapshot.count(pool) <= 9
        assert snapshot.count(pool) >= min(9, wished)


@few
@given(st.lists(st.integers(0, 1000), max_size=200))
def test_what_is_remembered_does_not_grow_without_end(turns):
    pool = Pool("a", Role.CONSUMER, 0, 1000)
    memory = Memory()
    for turn, wished in enumerate(turns):
        snapshot = Snapshot(NOW + 20.0 * turn, (pool,), (), ())
        _, memory = Steadying().steady(snapshot, {"a": Wish(wished, "")}, memory)
        times = [time for time, _ in memory.highs["a"]]
        counts = [number for _, number in memory.highs["a"]]
        assert times == sorted(times)
        assert counts == sorted(counts, reverse=True)
        assert len(times) <= 31  # 600 s of them
