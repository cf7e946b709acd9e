"""What policies are promised to do, on the load of the Kiosk's paper."""

from __future__ import annotations

from statistics import median

import pytest

from benchmarks.autoscaling import (
    CONTESTANTS,
    FIRST,
    GPUS,
    INFERENCE,
    LATE,
    REVERSALS,
    SOONER,
    STARTUP,
    Contestant,
    cluster,
    least_hours,
    steady,
)
from cytomill.scaling.simulation.outcome import Outcome

#: Zips of 100 images of the smaller loads.
JOBS = 200


@pytest.fixture(scope="module")
def runs() -> list[tuple[Outcome, Outcome]]:
    """The paper's policy and ours on the whole load, each time with the same losses."""
    loads = [cluster(GPUS, seed) for seed in range(2)]
    return [(CONTESTANTS["paper"].run(one), CONTESTANTS["throughput"].run(one)) for one in loads]


def test_throughput_is_sooner_than_the_paper_at_no_more_node_hours(
    runs: list[tuple[Outcome, Outcome]],
) -> None:
    saved = []
    for paper, ours in runs:
        assert paper.done == ours.done == 100_000
        assert paper.finished is not None
        assert ours.finished is not None
        saved.append(1 - ours.finished / paper.finished)
        assert ours.node_hours <= paper.node_hours
        assert ours.cost <= paper.cost
    assert median(saved) >= SOONER, saved


def test_a_first_result_is_limited_by_start_up_and_nothing_is_left_behind(
    runs: list[tuple[Outcome, Outcome]],
) -> None:
    for _, ours in runs:
        assert ours.first is not None
        assert ours.first <= STARTUP + FIRST
        assert ours.idle is not None


@pytest.mark.parametrize(("name", "part"), [("throughput", 0.7), ("deadline", 0.4)])
def test_a_constant_load_makes_nobody_waver(name: str, part: float) -> None:
    found = CONTESTANTS[name].run(steady(8, part=part, seconds=3600), 3600)
    assert found.most_reversals(1200, 3600) <= REVERSALS
    assert found.done > 0
    late = [one for one in found.samples if one.seconds > 1200]
    if name == "throughput":  # what waits is less than is done while a worker starts
        assert max(one.waiting for one in late) < STARTUP * part * 8 / INFERENCE


def test_a_deadline_is_met_with_fewer_node_hours_than_others_need() -> None:
    within = 2700.0
    load = cluster(8, jobs=JOBS)
    found = Contestant("", "deadline", within=within).run(load)
    assert found.done == 100 * JOBS
    assert found.finished is not None
    assert found.finished <= LATE * within
    for name in ("paper", "throughput"):
        other = CONTESTANTS[name].run(load)
        assert other.finished is not None
        assert other.finished <= within  # it meets it, too
        assert found.node_hours <= other.node_hours, name
    # Start-ups and ends of 30 nodes are a good part of so short a load.
    assert found.node_hours <= 1.6 * least_hours(100 * JOBS)


@pytest.mark.parametrize("part", [0.5, 3.0])
def test_a_budget_is_never_exceeded(part: float) -> None:
    load = cluster(8, jobs=JOBS)
    enough = CONTESTANTS["throughput"].run(load).cost
    found = Contestant("", "budget", budget=part * enough).run(load)
    assert found.cost <= part * enough
    if part > 1:
        assert found.done == 100 * JOBS
    else:
        assert found.done > 0.5 * part * 100 * JOBS  # what there is, is spent on work
