"""Small planes in memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cytomill.kiosk.view.planes import Planes


def plane(size):
    return [np.zeros(size, np.uint8)]


def test_a_plane_is_made_once_for_all_who_ask():
    planes, made, together = Planes(1000), [], threading.Barrier(8)

    def make():
        made.append(1)
        return plane(10)

    def ask(_):
        together.wait(30)
        return planes.get("a", make)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert len(made) == 1
    assert all(one is found[0] for one in found)


def test_what_was_longest_unused_goes():
    planes, made = Planes(100), []
    for key in "abac":
        planes.get(key, lambda key=key: (made.append(key), plane(40))[1])
    for key in "acb":
        planes.get(key, lambda key=key: (made.append(key), plane(40))[1])
    assert made == ["a", "b", "c", "b"]


def test_one_that_is_larger_than_all_may_be_is_given_and_not_kept():
    planes = Planes(100)
    assert planes.get("a", lambda: plane(1000))[0].size == 1000
    assert planes.get("a", lambda: plane(10))[0].size == 10


def test_a_fault_is_told_all_who_wait_and_not_kept():
    planes = Planes(100)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        planes.get("a", fail)
    assert planes.get("a", lambda: plane(10))[0].size == 10
