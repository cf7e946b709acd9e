"""What linkers did becomes tracks, and tracks are scored as the truth would be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.crowd import Crowd, crowd
from benchmarks.linkers.movie import COLUMNS, Movie, joined
from benchmarks.linking import Case
from benchmarks.linking_scale import painted
from cytomill.ops.overlap import overlaps
from cytomill.ops.track import Track


def test_links_become_tracks_and_forks_divisions() -> None:
    track, parents = joined(iter([(0, 1), (1, 2), (1, 3), (3, 5)]), 6)
    assert track.tolist() == [0, 0, 1, 2, 3, 2]
    assert parents == {1: 0, 2: 0}


@pytest.fixture
def case() -> Case:
    """A cell that divides, and one that is seen in the first and the last of three frames."""
    frames = [np.zeros((6, 12), np.uint16) for _ in range(3)]
    frames[0][1:3, 1:3], frames[0][4:, 8:] = 1, 2
    frames[1][0, 1:3], frames[1][3, 1:3] = 1, 2
    frames[2][0, 1:3], frames[2][3, 1:3], frames[2][4:, 8:] = 1, 2, 3
    named = [np.array(names, np.uint16) for names in ([0, 1, 4], [0, 2, 3], [0, 2, 3, 5])]
    truth = (
        Track(1, 0, 0),
        Track(2, 1, 2, 1),
        Track(3, 1, 2, 1),
        Track(4, 0, 0),
        Track(5, 2, 2, 4),
    )
    tables = [overlaps(frame, of[frame]) for frame, of in zip(frames, named, strict=True)]
    return Case(Path("none"), tables, truth, (3, 6, 12))


def test_the_truth_scores_one(case: Case) -> None:
    scores = case.score([0, 1, 2, 3, 2, 3, 1], {2: 0, 3: 0})
    assert scores == {"lnk": 1, "tra": 1, "divisions": 1}


def test_what_is_left_out_or_not_linked_costs(case: Case) -> None:
    whole = case.score([0, 1, 2, 3, 2, 3, 1], {2: 0, 3: 0})
    single = case.score([0, 1, 2, 3, 2, 3, 1], {})
    fewer = case.score([0, -1, 2, 3, 2, 3, -1], {2: 0, 3: 0})
    assert single["divisions"] == 0
    assert single["lnk"] < whole["lnk"]
    assert fewer["tra"] < whole["tra"]


def test_a_movie_is_kept_for_other_environments(tmp_path: Path) -> None:
    frames = list(crowd(Crowd(20, 3), seed=1))
    columns = {name: np.concatenate([getattr(one, name) for one in frames]) for name in COLUMNS[1:]}
    columns["t"] = np.repeat(np.arange(3), [len(one) for one in frames])
    Movie((3, *frames[0].shape), columns, tmp_path / "p.npz").save(tmp_path / "m.npz")
    back = Movie.load(tmp_path / "m.npz")
    assert back.shape == (3, *frames[0].shape)
    for (t, rows), one in zip(back.frames, frames, strict=True):
        assert one.t == t
        np.testing.assert_array_equal(back.places[rows], one.places)


def test_a_crowd_divides_leaves_and_is_missed() -> None:
    frames = list(crowd(Crowd(2000, 5), seed=2))
    assert all(len(one) == pytest.approx(1980, rel=0.08) for one in frames)
    assert all((one.y >= 0).all() and (one.x < one.shape[1]).all() for one in frames)
    for one, again in zip(frames, crowd(Crowd(2000, 5), seed=2), strict=True):
        np.testing.assert_array_equal(one.places, again.places)


def test_painted_cells_are_where_they_were_drawn() -> None:
    (found,) = crowd(Crowd(50, 1, miss=0), seed=3)
    image = painted(found)
    there = np.unique(image)[1:]
    assert len(there) > 40
    for row in np.flatnonzero(np.isin(found.ids, there) & ~found.rim)[:20]:
        assert image[round(found.y[row]), round(found.x[row])] > 0
