from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.tracks.pictures.clock import Clock


@pytest.mark.parametrize(
    ("frames", "interval", "frame", "told"),
    [
        (92, 1800.0, 45, "22:30 h"),
        (10, 60.0, 3, "3:00 min"),
        (200, 2.0, 75, "2:30 min"),
        (10, 0.5, 3, "1.5 s"),
        (10, None, 3, ""),
        (10, 0.0, 3, ""),
        (10, float("nan"), 3, ""),
    ],
)
def test_time_is_told_in_the_unit_that_suits_the_movie(
    frames: int, interval: float | None, frame: int, told: str
) -> None:
    assert Clock(frames, interval).tell(frame) == told


def test_ticks_are_at_round_times() -> None:
    assert Clock(92, 1800.0).ticks(8) == [(12.0 * i, f"{6 * i}") for i in range(8)]
    assert Clock(92, None).ticks(5) == [(20.0 * i, f"{20 * i}") for i in range(5)]
    assert Clock(92, 1800.0).unit == "h"
    assert Clock(92, None).unit == "frame"


@given(
    st.integers(1, 100_000),
    st.one_of(st.none(), st.floats(1e-6, 1e7)),
    st.integers(1, 20),
)
def test_ticks_are_few_and_within_the_movie(frames: int, interval: float | None, most: int) -> None:
    ticks = Clock(frames, interval).ticks(most)
    assert 1 <= len(ticks) <= most + 1
    places = [place for place, _ in ticks]
    assert places[0] == 0
    assert places == sorted(set(places))
    assert places[-1] <= frames * (1 + 1e-6)
    assert len({name for _, name in ticks}) == len(ticks)
