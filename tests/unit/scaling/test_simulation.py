"""Simulations of which one can say beforehand how they end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.scaling.policy import Wish
from cytomill.scaling.simulation.run import Simulation
from cytomill.scaling.simulation.scenario import KIOSK, Nodes, Signals
from cytomill.scaling.simulation.tasks import Memory, Piece
from cytomill.scaling.snapshot import Snapshot
from cytomill.scaling.steady import Decision
from tests.clusters import STARTUP, all_or_none, cluster


def test_one_consumer_takes_as_long_as_its_images() -> None:
    found = Simulation(cluster(1, images=200, own=2.0, inference=0), all_or_none()).run()
    assert found.done == 200
    assert found.finished == pytest.approx(STARTUP + 200 * 2.0, rel=0.05)
    assert found.first == pytest.approx(STARTUP + 2.0, abs=1.0 + 2.0)


def test_a_job_is_one_task_until_it_is_listed() -> None:
    known, unknown = (
        Simulation(cluster(20, 1, images=2000, listed=listed), all_or_none()).run()
        for listed in (True, False)
    )
    assert known.samples[1].waiting == 2000
    assert unknown.samples[1].waiting == 1
    # The first consumer lists it and begins; the others come a start-up later.
    assert known.first is not None
    assert unknown.first == pytest.approx(known.first, abs=3.0)
    assert known.finished is not None
    assert unknown.finished is not None
    assert known.finished + 0.5 * STARTUP < unknown.finished < known.finished + STARTUP


def test_consumers_share_the_work_and_wait_for_model_servers() -> None:
    many = Simulation(cluster(20, 1, images=2000, listed=True), all_or_none()).run()
    assert many.finished == pytest.approx(STARTUP + 2000 * 0.1, rel=0.05)  # the device is the limit
    few = Simulation(cluster(5, 1, images=2000, listed=True), all_or_none()).run()
    assert few.finished == pytest.approx(STARTUP + 2000 * 1.1 / 5, rel=0.05)
    full = [one.use for one in many.samples if 140 < one.seconds < 300 and one.use is not None]
    assert min(full) > 0.95
    half = [one.use for one in few.samples if 140 < one.seconds < 500 and one.use is not None]
    assert sum(half) / len(half) == pytest.approx(5 * 0.1 / 1.1, abs=0.05)


def test_nodes_are_paid_from_asked_to_gone() -> None:
    found = Simulation(cluster(10, 1, images=1000, slots=5, listed=True), all_or_none()).run()
    assert found.idle is not None
    assert found.finished is not None
    ended = found.idle / 3600
    assert found.hours["consumers"] == pytest.approx(2 * ended, rel=0.05)
    assert found.hours["servers"] == pytest.approx(ended, rel=0.05)
    assert found.cost == pytest.approx(found.hours["consumers"] + 10 * found.hours["servers"])
    assert found.idle <= found.finished + STARTUP + 10  # the cool-down is as long as a start-up


def test_nothing_is_lost_with_nodes() -> None:
    scenario = cluster(30, 3, images=5000, own=5.0, loss=0.9, slots=3)
    found = Simulation(scenario, all_or_none()).run()
    assert found.losses > 10
    assert found.done == 5000
    assert found.idle is not None


def test_nothing_is_counted_twice() -> None:
    class Counting(Memory):
        def finish(self, consumer: str, piece: Piece, seconds: float) -> bool:
            finished.append(piece.key)
            return super().finish(consumer, piece, seconds)

    finished: list[object] = []
    scenario = cluster(20, 2, images=3000, own=5.0, loss=0.9)
    found = Simulation(scenario, all_or_none(), tasks=Counting()).run()
    assert found.losses > 5
    assert len(finished) == len(set(finished)) == 3000 + 2  # with the listing and the report


def test_a_seed_gives_the_same_again_and_another_does_not() -> None:
    scenario = cluster(10, 2, images=1000, loss=0.5)
    first, again, other = (
        Simulation(replace(scenario, seed=seed), all_or_none()).run() for seed in (1, 1, 2)
    )
    assert first == again
    assert first.finished != other.finished


def test_late_signals_delay_what_is_decided() -> None:
    def asked_first(signals: Signals, seed: int) -> float:
        scenario = cluster(10, 1, images=100, seed=seed)
        found = Simulation(scenario, all_or_none(), signals, sampling=0.1).run()
        return next(one.seconds for one in found.samples if sum(one.asked.values()))

    late = replace(KIOSK, waking=None)
    direct = [asked_first(Signals(), seed) for seed in range(5)]
    delayed = [asked_first(late, seed) for seed in range(5)]
    woken = [asked_first(KIOSK, seed) for seed in range(5)]
    assert max(direct) <= 2 * 2.0  # it is seen at the decision after that which asks
    assert 15.0 < max(delayed) <= 4 * 15.0
    assert max(woken) <= 2 * 15.0


def test_nodes_that_cannot_be_had_are_waited_for() -> None:
    scenario = cluster(10, 1, images=300)
    scenario = replace(scenario, nodes={**scenario.nodes, "consumers": Nodes(STARTUP, most=4)})
    found = Simulation(scenario, all_or_none()).run()
    assert found.done == 300
    assert max(one.ready["consumers"] for one in found.samples) == 4
    assert max(one.asked["consumers"] for one in found.samples) >= 6


def test_bundles_take_as_long_as_their_images() -> None:
    scenario = cluster(10, 1, images=20_000)
    each = Simulation(scenario, all_or_none()).run()
    bundled = Simulation(replace(scenario, bundle=10), all_or_none()).run()
    assert bundled.done == each.done == 20_000
    assert bundled.finished == pytest.approx(each.finished, rel=0.03)
    assert bundled.node_hours == pytest.approx(each.node_hours, rel=0.03)


def test_reversals_are_counted_and_made_up_losses_are_none() -> None:
    turns = 0

    def wavers(seen: Snapshot) -> Decision:
        nonlocal turns
        turns += 1
        (pool,) = seen.pools
        idle = tuple(one for one in seen.of(pool) if not one.busy)
        if turns % 100 == 50 and idle:
            return Decision({}, idle[:1], {pool.name: Wish(0, "")})
        missing = 3 - seen.count(pool) if turns % 100 == 0 else 0
        return Decision({pool.name: missing} if missing else {}, (), {pool.name: Wish(3, "")})

    scenario = cluster(3, images=2, every=1000.0, jobs=3, inference=0)
    found = Simulation(scenario, wavers, sampling=1.0).run(2000)
    # From 200 s on one is stopped and one started every 200 s.
    assert 15 <= len(found.reversals) <= 20
    assert found.most_reversals(0, 2000) == 3
    assert found.most_reversals(0, 2000, window=50) == 1

    losing = cluster(10, images=2000, own=10.0, inference=0, loss=0.9)
    found = Simulation(losing, all_or_none()).run()
    assert found.losses
    assert len(found.reversals) <= 1
