"""What the use of devices says of consumers."""

from __future__ import annotations

import math

import pytest

from cytomill.scaling.policies.devices import Devices
from cytomill.scaling.snapshot import State
from tests.unit.scaling.snapshots import CONSUMERS, SERVERS, load, seen, workers


def devices(consumers=20, servers=2, use=None, running=None, busy=0, coming=0):
    those = (
        workers(CONSUMERS, number=consumers)
        + workers(SERVERS, number=servers, busy=busy)
        + workers(SERVERS, State.STARTING, coming)
    )
    running = consumers if running is None else running
    return Devices.of(seen(those=those, loads=[load(100, running)], use=use))


def test_while_use_is_not_known_some_consumers_are_spared_and_none_too_many():
    found = devices()
    assert found.spare(1.1) == 1.1
    assert found.crowd(1.1) == math.inf


def test_those_that_keep_devices_half_busy_are_half_of_what_it_takes():
    assert devices(use=0.5).crowd(1.1) == pytest.approx(20.0)  # 20 / (2 x 0.5)
    assert devices(use=0.5, running=8).crowd(1.1) == pytest.approx(8.0)


def test_nothing_is_spared_for_devices_that_are_nearly_full():
    assert devices(use=0.5).spare(1.1) == 1.1
    assert devices(use=0.92).spare(1.1) == pytest.approx(1 / 0.92)
    assert devices(use=0.95).spare(1.1) == 1.0


def test_where_devices_are_full_as_many_are_kept_for_each_that_is_there_or_comes():
    assert devices(use=1.0).crowd(1.1) == pytest.approx(10.0)
    assert devices(use=1.0, coming=3).crowd(1.1) == pytest.approx(4.0)


def test_those_whose_calls_wait_are_not_needed():
    # 2 of 5 calls at each of 2 devices are served: 20 - 8 work, and a tenth more.
    assert devices(use=1.0, busy=5).crowd(1.1) == pytest.approx(1.1 * 12 / 2)


def test_devices_that_have_just_become_busy_are_busy():
    assert devices(use=0.6, busy=1).used == 1.0
    assert devices(use=0.3, busy=1).used == 0.3
    assert not devices(use=0.6, busy=1).full
