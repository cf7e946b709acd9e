"""Tidying: what is taken back, what is left out, and that nothing else changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cytomill.ops.track import Track
from cytomill.tracks.tidy import tidied

FAMILY = [Track(1, 0, 9), Track(2, 10, 11, 1), Track(3, 10, 29, 1)]


def test_a_daughter_that_is_soon_gone_was_none() -> None:
    tracks, new = tidied(FAMILY, 40, shortest=1, daughter=5)
    assert tracks == (Track(1, 0, 29), Track(2, 10, 11))
    assert new.tolist() == [0, 1, 2, 1]


def test_what_was_debris_goes_where_short_tracks_do() -> None:
    tracks, new = tidied(FAMILY, 40, shortest=3, daughter=5)
    assert tracks == (Track(1, 0, 29),)
    assert new.tolist() == [0, 1, 0, 1]


def test_a_daughter_that_leaves_or_that_the_movie_ends_on_is_believed() -> None:
    assert tidied(FAMILY, 40, shortest=1, daughter=5, left={2})[0] == tuple(FAMILY)
    assert tidied(FAMILY, 12, shortest=1, daughter=5)[0] == tuple(FAMILY)


def test_a_daughter_who_divides_herself_is_believed() -> None:
    tracks = [*FAMILY, Track(4, 12, 30, 2), Track(5, 12, 30, 2)]
    assert tidied(tracks, 40, shortest=1, daughter=5)[0] == tuple(tracks)


def test_where_both_daughters_are_soon_gone_the_division_stays() -> None:
    tracks = [Track(1, 0, 9), Track(2, 10, 11, 1), Track(3, 10, 12, 1)]
    assert tidied(tracks, 40, shortest=1, daughter=5)[0] == tuple(tracks)


def test_divisions_taken_back_one_after_the_other_are_one_track() -> None:
    tracks = [*FAMILY[:2], Track(3, 10, 19, 1), Track(4, 20, 21, 3), Track(5, 20, 39, 3)]
    found, new = tidied(tracks, 60, shortest=1, daughter=5)
    assert found == (Track(1, 0, 39), Track(2, 10, 11), Track(3, 20, 21))
    assert new.tolist() == [0, 1, 2, 1, 3, 1]


@st.composite
def lineages(draw: st.DrawFn) -> list[Track]:
    tracks: list[Track] = []
    for label in range(1, draw(st.integers(0, 12)) + 1):
        free = [t for t in tracks if sum(o.parent == t.label for o in tracks) < 2]
        mother = draw(st.sampled_from([None, *free]))
        begin = draw(st.integers(0, 10)) if mother is None else mother.end + 1
        end = begin + draw(st.integers(0, 8))
        tracks.append(Track(label, begin, end, mother.label if mother else 0))
    return tracks


@given(lineages(), st.integers(1, 6), st.integers(1, 6))
def test_what_is_left_is_a_lineage_in_order(
    tracks: list[Track], shortest: int, daughter: int
) -> None:
    frames = max((track.end for track in tracks), default=0) + 3
    found, new = tidied(tracks, frames, shortest=shortest, daughter=daughter)
    assert [track.label for track in found] == list(range(1, len(found) + 1))
    assert len(new) == len(tracks) + 1
    assert new[0] == 0
    for track in found:
        old = [one for one in tracks if new[one.label] == track.label]
        assert track.begin == min(one.begin for one in old)
        assert track.end == max(one.end for one in old)
        assert track.parent < track.label
        if track.parent:
            assert found[track.parent - 1].end < track.begin
    assert tidied(tracks, frames, shortest=1, daughter=1)[0] == tuple(tracks)
