"""As many workers as drain the queue soonest, and that fit each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.scaling.policies.throughput import Throughput, lasting
from cytomill.scaling.snapshot import State
from tests.unit.scaling.snapshots import CONSUMERS, NOW, SERVERS, load, seen, workers

POLICY = Throughput()
BOTH = (CONSUMERS, SERVERS)


def wishes(pools=BOTH, those=(), loads=(), use=None):
    return POLICY.wishes(seen(pools, those, loads, use))


def counts(*arguments, **fields):
    return {name: wish.count for name, wish in wishes(*arguments, **fields).items()}


def test_nothing_to_do_needs_nobody():
    found = wishes(those=workers(CONSUMERS, number=3))
    assert {wish.count for wish in found.values()} == {0}
    assert found["consumers"].why == "nothing is to be done"


def test_the_first_task_wakes_one_of_each():
    assert counts(loads=[load(1)]) == {"consumers": 1, "servers": 1}


def test_of_an_unknown_speed_a_few_are_started_and_more_once_it_is_known():
    # 1500 s of inference, guessed: 2 x 60 s of it for each; 1600 s, known: 60 s.
    looking = workers(CONSUMERS, number=1)
    assert counts(those=looking, loads=[load(10_000)])["servers"] == 12
    assert counts(loads=[load(10_000, seconds=3.6, inference=0.16)])["servers"] == 26


def test_a_job_that_nobody_has_looked_into_may_have_more_images():
    # 200 jobs of 20 images of 0.15 s are 600 s.
    assert counts(loads=[load(200)])["servers"] == 5
    assert counts(those=workers(CONSUMERS), loads=[load(200)])["servers"] == 1
    assert counts(loads=[load(200, seconds=3.6, inference=0.15)])["servers"] == 1


def test_the_last_that_is_started_works_for_half_its_start_up():
    # 600 consumers do 36000 s of work in 120 + 60 s.
    found = wishes([CONSUMERS], loads=[load(10_000, seconds=3.6)])["consumers"]
    assert found.count == 600
    assert found.why == (
        "10.0 h of tasks left, done in 3 min; "
        "more would find too little to do once they are ready, in 120 s"
    )


def test_consumers_are_as_many_as_model_servers_need_and_a_few_to_spare():
    # 8 devices do an image in 0.02 s, for which it takes 3.6 / 0.02 = 180 consumers.
    few = replace(SERVERS, most=8)
    found = wishes([CONSUMERS, few], loads=[load(100_000, seconds=3.6, inference=0.16)])
    assert found["servers"].count == 8
    assert found["consumers"].count == 198
    assert found["consumers"].why.endswith("the model servers can use no more")


def test_model_servers_are_no_more_than_consumers_keep_busy():
    few = replace(CONSUMERS, most=45)  # which need two devices, and a few to spare
    found = wishes([few, SERVERS], loads=[load(100_000, seconds=3.6, inference=0.16)])
    assert found["servers"].count == 3
    assert found["servers"].why.endswith("the consumers can use no more")


def test_where_devices_are_full_consumers_only_wait_for_them():
    # Tasks take 9.6 s as 60 consumers share a device, and would take 19 s if 120 did.
    those = workers(CONSUMERS, number=60, busy=1) + workers(SERVERS, busy=1)
    only = replace(SERVERS, most=1)
    work = load(50_000, 60, seconds=9.6, inference=0.16)
    assert counts([CONSUMERS, only], those, [work], 1.0) == {"consumers": 60, "servers": 1}


def test_consumers_come_when_model_servers_do_but_for_one_that_looks_into_jobs():
    quick = replace(CONSUMERS, startup=10.0)
    work = [load(10_000, seconds=3.6, inference=0.16)]

    def consumers(seconds_ago):
        those = workers(SERVERS, State.STARTING, 20, since=NOW - seconds_ago)
        return counts([quick, SERVERS], those, work)["consumers"]

    assert consumers(20.0) == 1
    assert consumers(106.0) > 400


def test_model_servers_come_when_consumers_do():
    quick = replace(SERVERS, startup=10.0)
    work = [load(10_000, seconds=3.6, inference=0.16)]

    def servers(seconds_ago):
        those = workers(CONSUMERS, State.STARTING, 600, since=NOW - seconds_ago)
        return counts([CONSUMERS, quick], those, work)["servers"]

    assert counts([CONSUMERS, quick], loads=work)["servers"] == 0
    assert servers(20.0) == 0
    assert servers(106.0) > 20


def test_one_model_server_is_there_even_if_nobody_knows_what_it_has_to_do():
    assert counts(loads=[load(10, seconds=3.0)]) == {"consumers": 1, "servers": 1}


def test_where_no_model_server_may_be_had_consumers_do_without():
    none = replace(SERVERS, most=0)
    assert counts([CONSUMERS, none], loads=[load(10_000, seconds=3.6)])["consumers"] == 600


def test_those_that_work_are_wished_for():
    those = workers(CONSUMERS, number=20, busy=1) + workers(SERVERS, busy=1)
    work = load(5, 20, age=1.0, seconds=3.6, inference=0.16)
    assert counts(those=those, loads=[work], use=0.9) == {"consumers": 20, "servers": 1}


def test_pools_have_the_work_of_their_pipelines():
    tracks = replace(CONSUMERS, name="tracks", pipelines=("track",))
    both = [load(1000, seconds=10.0, queue="track"), load(1000, seconds=3.6, queue="nuclei")]
    found = counts([tracks, CONSUMERS], loads=both)
    # 10000 s and 3600 s, with 60 s for each worker.
    assert found == {"tracks": 166, "consumers": 60}
    assert counts([tracks, CONSUMERS], loads=both[:1])["consumers"] == 0


def test_a_lost_worker_is_wished_for_again():
    work = [load(100_000, 100, age=900.0, seconds=3.6, inference=0.16)]
    few = replace(SERVERS, most=8)
    those = workers(CONSUMERS, number=198, busy=1) + workers(few, number=7, busy=1)
    assert counts([CONSUMERS, few], those, work, 0.99)["servers"] == 8


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (119.0, "119 s"), (600.0, "10 min"), (7199.0, "120 min"), (9000.0, "2.5 h")],
)
def test_times_are_told_in_words(seconds, words):
    assert lasting(seconds) == words
