from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cytomill.ops.track import Track
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.pictures.tree_lines import End, Span, ends, spans


def spot(t: int, label: int, y: float = 50, x: float = 50, *, filled: bool = False) -> Any:
    return t, label, y, x, 80.0, filled


def test_a_filled_spot_and_a_missing_one_are_gaps() -> None:
    rows = [spot(t, 1, filled=t == 3) for t in range(8) if t != 6]
    whole = Lineage((Track(1, 0, 7),), Spots.of(rows), (8, 100, 100))
    assert spans(whole)[1] == [
        Span(0, 3, seen=True),
        Span(3, 4, seen=False),
        Span(4, 6, seen=True),
        Span(6, 7, seen=False),
        Span(7, 8, seen=True),
    ]


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 5))
def test_spans_tell_of_each_frame_whether_the_cell_was_seen(seen: list[bool], begin: int) -> None:
    rows = [spot(begin + i, 4) for i, here in enumerate(seen) if here] + [spot(0, 9)]
    track = Track(4, begin, begin + len(seen) - 1)
    whole = Lineage((track, Track(9, 0, 0)), Spots.of(rows), (40, 100, 100))
    told = [span.seen for span in spans(whole)[4] for _ in range(span.first, span.stop)]
    assert told == seen


def test_without_spots_all_tracks_are_seen() -> None:
    whole = Lineage((Track(1, 2, 5),), Spots.of([]), (8, 100, 100))
    assert spans(whole) == {1: [Span(2, 6, seen=True)]}


def test_ends_at_the_border_differ_from_those_inside() -> None:
    rows = [
        *(spot(t, 1, y=3) for t in (2, 3)),  # enters at the top, ends there
        *(spot(t, 2, x=50 + 16 * t) for t in range(4)),  # leaves to the right
        *(spot(t, 3) for t in range(6)),  # there all the time
        *(spot(t, 4) for t in range(2)),  # divides
        *(spot(t, label) for t in range(2, 6) for label in (5, 6)),
        *(spot(t, 7, x=30) for t in (3, 4)),  # neither
    ]
    tracks = (
        Track(1, 2, 3),
        Track(2, 0, 3),
        Track(3, 0, 5),
        Track(4, 0, 1),
        Track(5, 2, 5, 4),
        Track(6, 2, 5, 4),
        Track(7, 3, 4),
    )
    whole = Lineage(tracks, Spots.of(rows), (6, 100, 100))
    assert ends(whole) == {
        1: [End(2, border=True), End(4, border=True)],
        2: [End(4, border=True)],
        7: [End(3, border=False), End(5, border=False)],
    }


def test_no_spots_are_no_error() -> None:
    whole = Lineage((Track(1, 1, 2),), Spots.of([]), (5, 1, 1))
    assert ends(whole) == {1: [End(1, border=False), End(3, border=False)]}
    assert np.size(whole.spots.t) == 0
