"""The formulas of the paper, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.scaling.policies.paper import Paper
from cytomill.scaling.snapshot import State
from tests.unit.scaling.snapshots import CONSUMERS, SERVERS, load, seen, workers

PAPER = Paper()


def counts(snapshot):
    return {name: wish.count for name, wish in PAPER.wishes(snapshot).items()}


def cluster(consumers, servers, items, use=None):
    those = workers(CONSUMERS, number=consumers) + workers(SERVERS, number=servers)
    return seen(those=those, loads=[load(waiting=items)] if items else [], use=use)


@pytest.mark.parametrize(
    ("consumers", "servers", "items", "use", "metric"),
    [
        (0, 0, 0, None, 0.0),  # no work
        (10, 1, 100, 0.40, 0.60),  # min((100 - 40) / 100, 100 / 10)
        (100, 1, 30, 0.40, 0.30),  # min(0.6, 30 / 100): not divided by another 100
        (149, 1, 10_000, 0.95, 0.05),
        (150, 1, 10_000, 0.0, 0.1125),  # 150 for each is too many
        (299, 2, 10_000, 0.0, 1.0),
        (300, 2, 10_000, 0.0, 0.1125),
        (5, 0, 7, None, 0.1125),  # work, and no model server yet
        (10, 1, 0, 0.2, 0.0),
    ],
)
def test_the_consumers_metric_has_three_regimes(consumers, servers, items, use, metric):
    snapshot = cluster(consumers, servers, items, use)
    assert PAPER.consumer_metric(snapshot, CONSUMERS) == pytest.approx(metric)


@pytest.mark.parametrize(
    ("current", "metric", "target", "desired"),
    [
        (1, 100.0, 70.0, 2),  # ceil(1.43)
        (8, 100.0, 70.0, 12),  # ceil(11.43)
        (10, 77.0, 70.0, 10),  # 10 % off: within the tolerance
        (10, 77.1, 70.0, 12),  # ceil(11.01)
        (10, 63.0, 70.0, 10),
        (10, 62.9, 70.0, 9),  # ceil(8.99)
        (10, 35.0, 70.0, 5),
        (1, 1.0, 0.15, 7),  # ceil(6.67)
        (20, 0.60, 0.15, 80),
        (200, 0.1125, 0.15, 150),
        (40, 0.0, 0.15, 0),
    ],
)
def test_counts_follow_the_metric_beyond_a_tolerance(current, metric, target, desired):
    assert PAPER.desired(current, metric, target) == desired


def test_the_first_task_wakes_one_model_server_and_one_consumer():
    assert counts(cluster(0, 0, 1)) == {"consumers": 1, "servers": 1}


def test_all_go_when_nothing_is_left():
    assert counts(cluster(40, 8, 0, use=0.9)) == {"consumers": 0, "servers": 0}


def test_devices_that_are_fully_used_have_consumers_fewer_and_model_servers_more():
    assert counts(cluster(60, 8, 5000, use=1.0)) == {"consumers": 1, "servers": 12}


def test_consumers_grow_until_devices_are_used_85_per_cent():
    assert counts(cluster(60, 8, 5000, use=0.85))["consumers"] == 60
    assert counts(cluster(60, 8, 5000, use=0.70)) == {"consumers": 120, "servers": 8}


def test_consumers_go_as_their_queue_empties():
    # 6 items for 60 consumers: a metric of 0.1, for a target of 0.15.
    assert counts(cluster(60, 8, 6, use=0.5))["consumers"] == 40


def test_model_servers_that_start_count_as_there_and_their_use_does_not():
    those = workers(SERVERS) + workers(SERVERS, State.STARTING) + workers(CONSUMERS, number=9)
    snapshot = seen(those=those, loads=[load(waiting=500)], use=1.0)
    assert counts(snapshot)["servers"] == 3  # ceil(2 x 100 / 70)


def test_while_the_use_is_not_known_model_servers_stay():
    those = workers(SERVERS, State.STARTING, 3)
    assert counts(seen(those=those, loads=[load(waiting=500)]))["servers"] == 3


def test_tasks_in_hand_are_items_too():
    those = workers(CONSUMERS, number=4) + workers(SERVERS)
    snapshot = seen(those=those, loads=[load(running=2)], use=0.2)
    assert PAPER.consumer_metric(snapshot, CONSUMERS) == pytest.approx(0.5)


def test_without_pools_of_model_servers_nothing_is_too_many_for_them():
    those = workers(CONSUMERS, number=10)
    snapshot = seen([CONSUMERS], those, [load(waiting=100)])
    assert counts(snapshot) == {"consumers": 67}  # ceil(10 x 1 / 0.15)


def test_each_pool_has_the_items_of_its_pipelines():
    tracks = replace(CONSUMERS, name="tracks", pipelines=("track",))
    nuclei = replace(CONSUMERS, name="nuclei", pipelines=("nuclei",))
    snapshot = seen(
        [tracks, nuclei, SERVERS], workers(SERVERS), [load(waiting=9, queue="nuclei")], use=0.1
    )
    assert counts(snapshot) == {"tracks": 0, "nuclei": 1, "servers": 1}


def test_it_is_asked_every_15_seconds():
    assert PAPER.period == 15.0
