from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.ops.track import Track
from cytomill.tracks.linking.tidy import tidied

FRAMES = 20


def family(stub: Track, *more: Track) -> list[Track]:
    """A mother with two daughters, of which the second is ``stub``."""
    return [Track(1, 0, 7), Track(2, 8, 19, 1), stub, *more]


def tidy(tracks, *, shortest=1, daughter=5, left=()):
    made, new = tidied(tracks, FRAMES, shortest=shortest, daughter=daughter, left=left)
    return list(made), new.tolist()


def test_a_daughter_that_is_soon_gone_was_none():
    tracks = family(Track(3, 8, 11, 1))
    assert tidy(tracks) == ([Track(1, 0, 19), Track(2, 8, 11)], [0, 1, 1, 2])
    assert tidy(tracks, shortest=5) == ([Track(1, 0, 19)], [0, 1, 1, 0])
    assert tidy(tracks, daughter=4) == (tracks, [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("tracks", "left"),
    [
        (family(Track(3, 8, 12, 1)), ()),  # seen for long enough
        (family(Track(3, 8, 11, 1)), (3,)),  # it left the image
        (family(Track(3, 8, 10, 1), Track(4, 11, 19, 3), Track(5, 11, 19, 3)), ()),  # it divided
        ([Track(1, 0, 16), Track(2, 17, 19, 1), Track(3, 17, 19, 1)], ()),  # the movie ends
        ([Track(1, 0, 7), Track(2, 8, 9, 1), Track(3, 8, 9, 1)], ()),  # neither can be believed
    ],
)
def test_daughters_that_are_believed_stay(tracks, left):
    assert tidy(tracks, left=left) == (tracks, list(range(len(tracks) + 1)))


def test_a_mother_may_be_rid_of_one_stub_after_another():
    tracks = [
        Track(1, 0, 3),
        Track(2, 4, 5, 1),
        Track(3, 4, 9, 1),
        Track(4, 10, 19, 3),
        Track(5, 10, 10, 3),
        Track(6, 12, 14),
    ]
    assert tidy(tracks, shortest=3) == (
        [Track(1, 0, 19), Track(2, 12, 14)],
        [0, 1, 0, 1, 1, 0, 2],
    )


def test_daughters_of_what_goes_on_are_its_own():
    tracks = family(Track(3, 8, 9, 1))
    tracks[1] = Track(2, 8, 12, 1)
    tracks += [Track(4, 13, 19, 2), Track(5, 13, 18, 2)]
    assert tidy(tracks, shortest=3) == (
        [Track(1, 0, 12), Track(2, 13, 19, 1), Track(3, 13, 18, 1)],
        [0, 1, 1, 0, 2, 3],
    )


def test_what_is_seen_too_briefly_is_left_out_unless_it_has_relatives():
    tracks = [
        Track(1, 0, 19),
        Track(2, 3, 4),
        Track(3, 5, 6),
        Track(4, 7, 19, 3),
        Track(5, 7, 19, 3),
    ]
    assert tidy(tracks, shortest=3) == (
        [Track(1, 0, 19), Track(2, 5, 6), Track(3, 7, 19, 2), Track(4, 7, 19, 2)],
        [0, 1, 0, 2, 3, 4],
    )


def test_no_track_is_no_fault():
    assert tidy([]) == ([], [0])


@st.composite
def lineages(draw):
    random: Random = draw(st.randoms(use_true_random=False))
    tracks = []
    for _ in range(draw(st.integers(0, 8))):
        parent = random.choice([None, *tracks]) if random.random() < 0.8 else None
        if parent and parent.end < FRAMES - 1 and parent.label not in {t.parent for t in tracks}:
            begin = parent.end + 1
            tracks += [
                Track(len(tracks) + n, begin, random.randint(begin, FRAMES - 1), parent.label)
                for n in (1, 2)
            ]
        else:
            begin = random.randint(0, FRAMES - 1)
            tracks.append(Track(len(tracks) + 1, begin, random.randint(begin, FRAMES - 1)))
    return tracks


@given(lineages(), st.integers(1, 6), st.integers(1, 8), st.sets(st.integers(1, 16)))
def test_what_comes_of_any_lineage_is_one(tracks, shortest, daughter, left):
    made, new = tidy(tracks, shortest=shortest, daughter=daughter, left=left)
    assert [track.label for track in made] == list(range(1, len(made) + 1))
    assert set(new) == set(range(len(made) + 1))
    by_label = {track.label: track for track in made}
    for track in made:
        pieces = sorted(old for old in tracks if new[old.label] == track.label)
        assert (pieces[0].begin, pieces[-1].end) == (track.begin, track.end)
        assert all(a.end + 1 == b.begin for a, b in pairwise(pieces))
        if track.parent:
            assert track.parent < track.label
            assert by_label[track.parent].end + 1 == track.begin
            assert sum(other.parent == track.parent for other in made) == 2
        elif all(other.parent != track.label for other in made):
            assert track.end - track.begin + 1 >= shortest
    assert all(new[old.label] for old in tracks if old.end - old.begin + 1 >= shortest)
