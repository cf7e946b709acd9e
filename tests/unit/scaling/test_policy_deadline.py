"""The fewest workers with which all is done in time."""

from __future__ import annotations

from dataclasses import replace

from cytomill.scaling.policies.deadline import Deadline
from cytomill.scaling.policies.throughput import Throughput
from cytomill.scaling.snapshot import State
from tests.unit.scaling.snapshots import CONSUMERS, SERVERS, load, seen, workers

ALONE = (CONSUMERS,)


def wish(within, work, those=(), pools=ALONE, name="consumers", use=None):
    return Deadline(within).wishes(seen(pools, those, [work], use))[name]


def test_as_few_as_finish_nine_tenths_of_the_time():
    # 36000 s of work in 0.9 x 3600 - 120 s: 11.5 workers.
    found = wish(3600.0, load(10_000, seconds=3.6))
    assert found.count == 12
    assert found.why == (
        "60 min until the deadline; 10.0 h of tasks left, done in 52 min; these finish in time"
    )


def test_time_runs_from_the_submission_of_the_oldest_job():
    # 0.9 x 1200 - 120 s are left: 37.5 workers.
    assert wish(3600.0, load(10_000, age=2400.0, seconds=3.6)).count == 38


def test_those_that_are_ready_need_no_start_up():
    # 36000 s in 0.9 x 4000 s.
    assert wish(4000.0, load(10_000, seconds=3.6), workers(CONSUMERS, number=30)).count == 10


def test_it_corrects_itself_when_tasks_take_longer():
    there = workers(CONSUMERS, number=12)
    assert wish(3600.0, load(5_000, seconds=3.6, age=1800.0), there).count == 12
    # 25000 s in 0.9 x 1800 s, of which new ones have 120 less: 12 x 1620 + 4 x 1500 >= 25000.
    assert wish(3600.0, load(5_000, seconds=5.0, age=1800.0), there).count == 16


def test_what_cannot_be_met_goes_all_out_and_says_so():
    work = load(10_000, seconds=3.6, age=3550.0)
    found = wish(3600.0, work)
    assert found.count == Throughput().wishes(seen(ALONE, (), [work]))["consumers"].count
    assert found.why.startswith("the deadline cannot be met, by 106 s; 10.0 h of tasks left")
    assert wish(3600.0, replace(work, age=9000.0)).count == found.count


def test_what_just_can_be_met_takes_all_that_help():
    # 36000 s in 250 s, 120 of them to start: 277 workers, where 130 x 277 >= 36000.
    found = wish(250.0 / 0.9, load(10_000, seconds=3.6))
    assert found.count == 277
    assert "cannot" not in found.why


def test_consumers_keep_the_model_servers_busy_that_are_there():
    # 1600 s of inference is in time with one device, which needs 22.5 consumers.
    work, pools = load(10_000, seconds=3.6, inference=0.16), (CONSUMERS, SERVERS)
    assert wish(3600.0, work, pools=pools, name="servers").count == 1
    assert 23 <= wish(3600.0, work, pools=pools).count <= 25


def test_consumers_that_wait_for_full_devices_do_not_make_it_late():
    work = load(2_000, 60, seconds=9.6, inference=0.16, age=3000.0)
    those = workers(CONSUMERS, number=60, busy=1) + workers(SERVERS, busy=1)
    pools = (CONSUMERS, SERVERS)
    found = wish(3600.0, work, those, pools, "servers", use=1.0)
    assert found.count == 1
    assert "cannot" not in found.why


def test_new_workers_are_the_cheapest_that_are_in_time():
    spot = replace(CONSUMERS, name="spot", price=0.02, startup=300.0)
    work, pools = load(10_000, seconds=3.6), (CONSUMERS, spot)
    assert wish(3600.0, work, pools=pools, name="consumers").count == 0
    assert wish(3600.0, work, pools=pools, name="spot").count == 13  # 36000 s in 3240 - 300 s
    assert wish(300.0, work, pools=pools, name="consumers").count > 0


def test_a_queue_that_nobody_serves_is_not_waited_for():
    tracks = replace(CONSUMERS, pipelines=("track",))
    found = Deadline(60.0).wishes(seen([tracks], (), [load(10)]))["consumers"]
    assert found.count == 0
    assert "cannot" not in found.why


def test_nothing_to_do_needs_nobody():
    found = Deadline(60.0).wishes(seen(those=workers(CONSUMERS, State.READY, 3)))
    assert {wish.count for wish in found.values()} == {0}
