"""A result that breaks a rule of the challenge is told which, and where."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cytomill.ops.track import Track
from cytomill.tracks.scores.validity import check
from tests.unit.tracks.random_lineages import Movie, movie, spoilt, table

GOOD = table([[1, 0]] * 2 + [[2, 3]] * 2, {2: 1, 3: 1})


def faults(made: Movie) -> list[str]:
    return check(made.tracks, made.stack())


def changed(which: int, **fields: int) -> Callable[[Movie], Movie]:
    def change(made: Movie) -> Movie:
        tracks = (replace(one, **fields) if one.label == which else one for one in made.tracks)
        return replace(made, tracks=tuple(tracks))

    return change


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_result_that_keeps_the_rules_has_no_fault(seed: int) -> None:
    truth = movie(seed)
    for made in (truth, spoilt(truth, seed)):
        assert faults(made) == [] or not made.tracks


def reference(made: Movie) -> bool:
    """What py-ctcmetrics says; it takes a parent that is no track for a mistake of its caller."""
    from ctc_metrics.metrics import valid

    table = np.array([[one.label, one.begin, one.end, one.parent] for one in made.tracks])
    labels = [sorted(set(row) - {0}) for row in made.cells]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(valid([f"mask{t:03}.tif" for t in range(len(labels))], table, labels))
        except AssertionError:
            return False


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1))
def test_py_ctcmetrics_agrees_on_what_is_valid(seed: int) -> None:
    random = np.random.default_rng(seed)
    made = spoilt(movie(seed), seed)
    assume(made.tracks)
    if random.integers(4):
        which = made.tracks[random.integers(len(made.tracks))]
        field = random.choice(["label", "begin", "end", "parent"])
        value = max(getattr(which, field) + int(random.integers(-2, 3)), 0)
        assume(field != "label" or value > 0)
        assume(field != "end" or value < len(made.cells))  # the reference has no such rule
        made = changed(which.label, **{field: value})(made)
    assert (faults(made) == []) == reference(made)


def test_frames_without_cells_and_labels_in_pieces_are_allowed() -> None:
    frame = np.array([[1, 0, 1]], np.uint16)
    assert check([Track(1, 0, 0)], [frame, np.zeros_like(frame)]) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (changed(2, parent=9), ["track 2 has the parent 9, which is no track: make it 0"]),
        (
            changed(2, parent=3),
            ["track 2 begins in frame 2, but its parent 3 ends in frame 3: end the parent before"],
        ),
        (
            changed(3, label=2),
            [
                "label 2 has two tracks: give each track a label of its own",
                "label 3 is in frames 2 to 3 but has no track: give it a line, or take it out of "
                "the images",
            ],
        ),
        (
            changed(1, begin=1),
            [
                "label 1 is in frame 0, but its track is from frame 1 to 1: lengthen it",
            ],
        ),
        (
            changed(3, end=4),
            [
                "track 3 is in frames 2 to 4, but the movie has 0 to 3: count frames from 0, and "
                "give an image for each",
                "label 3 is not in frame 4, but its track is from frame 2 to 4: end it before, and "
                "begin another with parent 3 after",
            ],
        ),
        (
            lambda made: replace(made, cells=(*made.cells[:2], (2, 0), *made.cells[3:])),
            [
                "label 3 is not in frame 2, but its track is from frame 2 to 3: end it before, and "
                "begin another with parent 3 after",
            ],
        ),
        (
            lambda made: replace(made, tracks=()),
            [
                "there is no track: nothing was found, or the wrong files were written",
                "label 1 is in frames 0 to 1 but has no track: give it a line, or take it out of "
                "the images",
                "label 2 is in frames 2 to 3 but has no track: give it a line, or take it out of "
                "the images",
                "label 3 is in frames 2 to 3 but has no track: give it a line, or take it out of "
                "the images",
            ],
        ),
    ],
)
def test_a_broken_rule_is_named(change: Callable[[Movie], Movie], told: list[str]) -> None:
    assert faults(change(GOOD)) == told


def test_a_track_that_ends_before_it_begins_is_named() -> None:
    told = check([Track(1, 3, 2)], [np.zeros((1, 1), np.uint8)] * 4)
    assert told == ["track 1 ends in frame 2, before it begins in 3"]


def test_a_label_above_sixteen_bits_is_named() -> None:
    tracks = [Track(label, 0, 0) for label in (5, 70_000, 70_001)]
    told = check(tracks, [np.array([[5, 70_000, 70_001]], np.uint32)])
    assert told == [
        "label 70000 and 1 more are above 65535, the most that 16 bits hold: renumber the tracks "
        "from 1"
    ]


def test_a_label_below_one_is_named() -> None:
    assert check([Track(0, 0, 0)], [np.zeros((1, 1), np.uint8)])[0] == "track 0: labels are from 1"


def test_many_gaps_are_told_in_one_sentence() -> None:
    shown = [[[1]] if t % 2 else [[0]] for t in range(12)]
    (told,) = check([Track(1, 0, 11)], [np.array(each, np.uint8) for each in shown])
    assert "not in frames 0, 2, 4 and 3 more stretches" in told
