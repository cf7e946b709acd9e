"""Movies are read a frame at a time, cells near the edge left out, and errors found again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytomill.errors import InputError
from cytomill.ops.track import Track
from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.scores.errors import broken, errors
from cytomill.tracks.scores.gold import Gold, outlines_of
from cytomill.tracks.scores.movie import centres, compare_movies, inside
from cytomill.tracks.scores.score import score_tracks
from cytomill.tracks.scores.validity import check
from tests.unit.tracks.random_lineages import Movie, movie, spoilt, table


@dataclass(frozen=True)
class Shown:
    """A movie as scores read it."""

    made: Movie
    path: Path = Path("movie")

    @property
    def tracks(self) -> tuple[Track, ...]:
        return self.made.tracks

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.made.frame(0).shape
        return height, width

    def __len__(self) -> int:
        return len(self.made.cells)

    def labels(self, t: int) -> NDArray[Any]:
        return self.made.frame(t)


def test_seg_of_the_published_result(shared_data: Path) -> None:
    folder = shared_data / "ctc_metric_refs"
    told = json.loads((folder / "py_ctcmetrics_values.json").read_text())["Fluo-N2DL-HeLa_01_RES"]
    movies = folder / "Fluo-N2DL-HeLa_01_RES"
    pred, truth = CtcFolder(movies / "01_RES"), CtcFolder(movies / "01_GT")
    reading = compare_movies(pred, truth, outlines_of(truth.path, len(truth)))
    assert check(pred.tracks, reading.present[0]) == []
    assert reading.seg is not None
    score = score_tracks(reading.comparison, reading.seg.value)
    ratios = score.ratios()
    assert ratios["seg"] == pytest.approx(told["SEG"], abs=1e-6)
    assert ratios["op_csb"] == pytest.approx(told["OP_CSB"], abs=1e-6)
    assert ratios["op_ctb"] == pytest.approx(told["OP_CTB"], abs=1e-6)
    assert score.bio == pytest.approx(told["BIO(1)"], abs=1e-6)
    assert ratios["op_clb"] == pytest.approx((told["LNK"] + told["BIO(1)"]) / 2, abs=1e-6)


def outlined(folder: Path, **frames: NDArray[Any]) -> Gold:
    folder.mkdir()
    for name, labels in frames.items():
        tifffile.imwrite(folder / f"{name}.tif", labels)
    return Gold(folder, 4)


def test_outlines_of_some_cells_in_some_frames_are_enough(tmp_path: Path) -> None:
    truth = table([[1, 2]] * 4, {})
    some = truth.frame(2)
    some[some == 2] = 0
    some[some == 1] = 50  # outlines have labels of their own
    some[1, 1] = 0
    gold = outlined(tmp_path / "SEG", man_seg002=some, man_seg_003_000=truth.frame(3))
    reading = compare_movies(Shown(truth), Shown(truth), gold)
    assert reading.seg is not None
    assert reading.seg.objects == 3
    assert reading.seg.value == pytest.approx((8 / 9 + 1 + 1) / 3)


def test_an_outlined_cell_that_is_not_found_counts_nothing(tmp_path: Path) -> None:
    truth = table([[1, 2]] * 4, {})
    gold = outlined(tmp_path / "SEG", man_seg000=truth.frame(0))
    reading = compare_movies(Shown(table([[1, 0]] * 4, {})), Shown(truth), gold)
    assert reading.seg is not None
    assert reading.seg.value == 0.5


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("man_seg004", "is of a frame after the last, 3"),
        ("man_seg_002_001", "is of plane 1"),
        ("mask", "has no man_seg000.tif"),
    ],
)
def test_outlines_that_belong_to_no_frame_are_refused(
    tmp_path: Path, name: str, fault: str
) -> None:
    with pytest.raises(InputError, match=fault):
        outlined(tmp_path / "SEG", **{name: np.zeros((5, 33), np.uint8)})


def test_outlines_of_another_size_are_refused(tmp_path: Path) -> None:
    truth = table([[1, 2]] * 4, {})
    gold = outlined(tmp_path / "SEG", man_seg000=np.zeros((5, 5), np.uint8))
    with pytest.raises(InputError, match=r"man_seg000\.tif: is 5 x 5 pixels, but movie is 9 x 5"):
        compare_movies(Shown(truth), Shown(truth), gold)


def test_objects_wholly_within_the_border_are_left_out() -> None:
    labels = np.zeros((9, 9), np.uint16)
    labels[0:2, 0:2] = 300
    labels[1:4, 4] = 2
    labels[7:, 4:] = 3
    kept = inside(labels, 2)
    assert set(np.unique(kept)) == {0, 2}
    assert (kept == 2).sum() == 3
    assert set(np.unique(labels)) == {0, 2, 3, 300}
    assert inside(labels, 0) is labels


def test_a_cell_that_leaves_the_field_and_returns_is_one_that_comes_back() -> None:
    @dataclass(frozen=True)
    class Wandering:
        """A cell at the column given, frame by frame; the middle is within a border of 2."""

        columns: tuple[int, ...]
        path: Path = Path("movie")
        shape: tuple[int, int] = (9, 9)
        tracks: tuple[Track, ...] = (Track(7, 0, 4),)

        def __len__(self) -> int:
            return len(self.columns)

        def labels(self, t: int) -> NDArray[Any]:
            labels = np.zeros(self.shape, np.uint8)
            labels[4, self.columns[t]] = 7
            return labels

    here = Wandering((4, 4, 0, 4, 4))
    reading = compare_movies(here, here, border=2)
    nodes = reading.comparison.matches.truth
    assert nodes.tracks == (Track(7, 0, 1), Track(8, 3, 4, parent=7))
    assert nodes.label.tolist() == [7] * 4
    assert score_tracks(reading.comparison).aogm.cost == 0
    assert [ids.tolist() for ids in reading.present[1]] == [[7]] * 5


def test_a_border_that_leaves_nothing_is_refused() -> None:
    made = Shown(table([[1, 2]] * 4, {}))
    with pytest.raises(InputError, match="nothing further than 3 pixels inside its edge"):
        compare_movies(made, made, border=3)
    with pytest.raises(ValueError, match="leaves nothing"):
        inside(made.labels(0), 3)


def test_movies_of_other_lengths_or_sizes_are_refused() -> None:
    truth = Shown(table([[1, 2]] * 4, {}), Path("truth"))
    with pytest.raises(InputError, match="short: has 3 frames, but truth has 4"):
        compare_movies(Shown(table([[1, 2]] * 3, {}), Path("short")), truth)
    with pytest.raises(InputError, match="wide: is 13 x 5 pixels, but truth is 9 x 5"):
        compare_movies(Shown(table([[1, 2, 3]] * 4, {}), Path("wide")), truth)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32])
def test_centres_are_in_order_of_label(dtype: Any) -> None:
    labels = np.zeros((4, 6), dtype)
    labels[0, 0:3] = 200
    labels[2:4, 4] = 5
    assert centres(labels).tolist() == [[2.5, 4.0], [0.0, 1.0]]
    assert centres(np.zeros_like(labels)).shape == (0, 2)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_error_that_is_counted_is_listed_where_it_is(seed: int) -> None:
    truth = movie(seed)
    pred = spoilt(truth, seed + 1)
    reading = compare_movies(Shown(pred), Shown(truth))
    comparison = reading.comparison
    found = errors(comparison, reading.places, 1)
    kinds = Counter(one.kind for one in found)
    counts = score_tracks(comparison).counts()
    assert kinds["missed cell"] == counts["missed_cells"]
    assert kinds["spurious cell"] == counts["spurious_cells"]
    assert kinds["missing link"] == counts["missing_links"]
    assert kinds["wrong link"] == counts["wrong_links"]
    assert kinds["confused link"] == counts["confused_links"]
    assert kinds["missed division"] == counts["missed_divisions"]
    assert kinds["spurious division"] == counts["spurious_divisions"]
    for one in found:
        shown, label = (truth, one.true_label) if one.true_label else (pred, one.label)
        rows, columns = np.nonzero(shown.frame(one.frame) == label)
        assert (one.y, one.x) == (pytest.approx(rows.mean()), pytest.approx(columns.mean()))


def test_a_track_that_changes_hands_is_broken_where_it_does() -> None:
    truth = table([[1]] * 5, {})
    reading = compare_movies(Shown(table([[1]] * 2 + [[2]] * 3, {})), Shown(truth))
    found = errors(reading.comparison, reading.places, 1)
    (one,) = [each for each in found if each.kind == "broken track"]
    assert (one.frame, one.true_label, one.label) == (2, 1, 0)
    (told,) = broken(reading.comparison)
    assert (told.label, told.longest, told.pieces, told.lost) == (1, 3, 2, 2)


def test_tracks_that_were_followed_are_not_broken() -> None:
    truth = movie(1)
    assert truth.tracks
    assert broken(compare_movies(Shown(truth), Shown(truth)).comparison) == []
