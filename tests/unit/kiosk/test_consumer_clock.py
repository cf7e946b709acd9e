from __future__ import annotations

import time

import pytest

from cytomill.kiosk import clock
from cytomill.kiosk.clock import ahead, skewed


class Queue:
    """Its clock is right, and it takes a while to say so."""

    def __init__(self, takes: float) -> None:
        self._takes = takes

    def time(self) -> tuple[int, int]:
        time.sleep(self._takes)
        now = time.time()
        time.sleep(self._takes)
        return int(now), int(now % 1 * 1e6)


@pytest.mark.parametrize("offset", [0.0, 120.0, -7.5])
def test_it_is_told_though_asking_takes_a_while(monkeypatch, offset):
    class Wrong:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            return time.time() + offset

    monkeypatch.setattr(clock, "time", Wrong)
    assert ahead(Queue(0.2)) == pytest.approx(offset, abs=0.19)


@pytest.mark.parametrize(
    ("seconds", "told"), [(5, ""), (-5, ""), (6, "6 s ahead of"), (-61, "61 s b")]
)
def test_what_is_near_enough_is_not_told(seconds, told):
    assert told in skewed(seconds)
    assert bool(skewed(seconds)) == bool(told)
