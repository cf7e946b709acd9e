from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from cytomill.kiosk.plans import Recent


def test_a_value_is_made_once_whoever_asks():
    recent: Recent[str, object] = Recent(2)
    ready, made = Barrier(4), []

    def make() -> object:
        made.append(1)
        return object()

    def ask(_: int) -> object:
        ready.wait()
        return recent.get("a", make)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert made == [1]


def test_the_longest_unused_goes_and_faults_are_not_kept():
    recent: Recent[str, int] = Recent(2)
    assert recent.get("a", lambda: 1) == 1
    assert recent.get("b", lambda: 2) == 2
    assert recent.get("a", lambda: 9) == 1
    assert recent.get("c", lambda: 3) == 3
    assert recent.get("b", lambda: 4) == 4
    with pytest.raises(ZeroDivisionError):
        recent.get("d", lambda: 1 // 0)
    assert recent.get("d", lambda: 5) == 5
