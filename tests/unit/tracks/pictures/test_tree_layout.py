from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cytomill.ops.track import Track
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.pictures.tree_layout import Block, blocks, rows

FRAMES = 30


def lineage(*tracks: Track, frames: int = FRAMES) -> Lineage:
    return Lineage(tuple(sorted(tracks)), Spots.of([]), (frames, 50, 60))


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    """Tracks whose parents end before they begin, as the challenge's rules ask."""
    tracks: list[Track] = []
    for label in range(1, draw(st.integers(1, 40))):
        begin = draw(st.integers(0, FRAMES - 1))
        end = draw(st.integers(begin, FRAMES - 1))
        mothers = [0, *(track.label for track in tracks if track.end < begin)]
        tracks.append(Track(label, begin, end, draw(st.sampled_from(mothers))))
    return lineage(*tracks)


def placed(found: list[Block]) -> dict[int, float]:
    """Where each track stands in one endless row."""
    return {
        label: column
        for row in rows(found, 10**9)
        for block in row
        for label, column in block.columns.items()
    }


@given(lineages())
def test_each_track_has_one_place(whole: Lineage) -> None:
    labels = [label for block in blocks(whole) for label in block.columns]
    assert sorted(labels) == [track.label for track in whole.tracks]


@given(lineages())
def test_daughters_lie_on_both_sides_of_their_mother(whole: Lineage) -> None:
    place = placed(blocks(whole))
    for mother in whole.divisions:
        below = [place[label] for label in whole.daughters[mother]]
        assert below == sorted(below)
        assert below[0] < place[mother] < below[-1]
    for mother, own in whole.daughters.items():
        if len(own) == 1:
            assert place[own[0]] == place[mother]


@given(lineages())
def test_no_two_lines_meet(whole: Lineage) -> None:
    """Neither tracks each other, nor the bar of a division a track that it does not belong to."""
    place = placed(blocks(whole))
    for one, other in combinations(whole.tracks, 2):
        together = one.begin <= other.end and other.begin <= one.end
        assert not together or abs(place[one.label] - place[other.label]) >= 1
    for mother in whole.divisions:
        daughters = whole.daughters[mother]
        at = min(whole.by_label[label].begin for label in daughters)
        left, *_, right = sorted(place[label] for label in daughters)
        for track in whole.tracks:
            if track.begin <= at <= track.end and track.label not in daughters:
                assert not left <= place[track.label] <= right


@given(lineages(), st.integers(1, 12))
def test_rows_hold_all_blocks_in_order_and_none_overlap(whole: Lineage, width: int) -> None:
    found = blocks(whole)
    made = rows(found, width)
    assert [set(b.columns) for row in made for b in row] == [set(b.columns) for b in found]
    for row in made:
        assert row[0].left == 0
        last = row[-1]
        assert last.left + last.width <= width or len(row) == 1
        for before, after in pairwise(row):
            assert after.left == before.left + before.width + before.family


def test_the_largest_family_comes_first_and_the_undivided_last() -> None:
    found = blocks(
        lineage(
            Track(1, 0, 29),
            Track(2, 0, 5),
            Track(3, 6, 9, 2),
            Track(4, 6, 29, 2),
            Track(5, 0, 5),
            Track(6, 6, 29, 5),
            Track(7, 6, 10, 5),
            Track(8, 11, 29, 7),
            Track(9, 11, 29, 7),
        )
    )
    assert [(min(b.columns), b.width, b.family) for b in found] == [
        (5, 3, True),
        (2, 2, True),
        (1, 1, False),
    ]


def test_undivided_tracks_share_a_column_when_they_do_not_meet() -> None:
    found = blocks(lineage(Track(1, 0, 9), Track(2, 5, 29), Track(3, 15, 20), Track(4, 28, 29)))
    assert [set(block.columns) for block in found] == [{1, 3, 4}, {2}]


def test_a_track_whose_mother_comes_after_it_is_no_daughter() -> None:
    found = blocks(lineage(Track(1, 0, 3, 2), Track(2, 5, 9)))
    assert placed(found).keys() == {1, 2}


def test_a_hundred_thousand_tracks_and_a_thousand_generations_are_laid_out() -> None:
    chain = [
        track
        for i in range(1000)
        for track in (
            Track(2 * i + 1, i, i, max(0, 2 * i - 1)),
            Track(2 * i + 2, i, i, max(0, 2 * i - 1)),
        )
    ]
    rng = np.random.default_rng(0)
    begins = rng.integers(0, 900, 98_000).tolist()
    others = [Track(2001 + i, begin, begin + 99) for i, begin in enumerate(begins)]
    found = blocks(lineage(*chain, *others, frames=1000))
    assert sum(len(block.columns) for block in found) == 100_000
    assert found[0].width == 1000
