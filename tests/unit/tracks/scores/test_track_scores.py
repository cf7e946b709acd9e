"""Scores of tracking: the reference implementation agrees, and they behave as scores should."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cytomill.ops.overlap import overlaps
from cytomill.ops.track import Track
from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.scores.score import (
    Comparison,
    TrackScore,
    averaged,
    compare_tracks,
    score_tracks,
)
from tests.unit.tracks.random_lineages import Movie, movie, renamed, spoilt, table

#: A movie is drawn by its number, which is fast, rather than cell by cell.
SEEDS = st.integers(0, 2**32 - 1)
MANY = settings(deadline=None, max_examples=60)


def comparison(pred: Movie, truth: Movie) -> Comparison:
    frames = zip(pred.stack(), truth.stack(), strict=True)
    return compare_tracks((overlaps(*each) for each in frames), pred.tracks, truth.tracks)


def score(pred: Movie, truth: Movie) -> TrackScore:
    return score_tracks(comparison(pred, truth))


def rows(tracks: Sequence[Track]) -> Any:
    return np.array([[one.label, one.begin, one.end, one.parent] for one in tracks])


def reference(pred: Movie, truth: Movie) -> dict[str, float | None]:
    """What py-ctcmetrics says, from the labels and matches of each frame."""
    from ctc_metrics.scripts.evaluate import calculate_metrics

    names = ("labels_ref", "labels_comp", "mapped_ref", "mapped_comp")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for mine, true in zip(pred.stack(), truth.stack(), strict=True):
        table = overlaps(mine, true)
        held = np.flatnonzero(2 * table.shared > table.truth_areas[table.truth])
        found["labels_ref"].append(table.truth_ids.astype(int).tolist())
        found["labels_comp"].append(table.pred_ids.astype(int).tolist())
        found["mapped_ref"].append(table.truth_ids[table.truth[held]].astype(int).tolist())
        found["mapped_comp"].append(table.pred_ids[table.pred[held]].astype(int).tolist())
    metrics = ["DET", "TRA", "LNK", "CT", "TF", "BC", "CCA", "IDF1", "HOTA"]
    result: dict[str, float | None] = calculate_metrics(
        rows(pred.tracks), rows(truth.tracks), found, {}, metrics, True
    )
    return result


def same(one: TrackScore, other: TrackScore) -> None:
    """Equal but for the order of sums."""
    assert one.counts() == other.counts()
    for name, value in one.ratios().items():
        expected = other.ratios()[name]
        assert value == (None if expected is None else pytest.approx(expected, rel=1e-12)), name


def agree(scored: TrackScore, told: dict[str, Any]) -> None:
    """Compare every figure that both have."""
    ratios = scored.ratios()
    same = {"det": "DET", "tra": "TRA", "lnk": "LNK", "ct": "CT", "tf": "TF", "cca": "CCA"}
    same |= {"idf1": "IDF1", "hota": "HOTA", "aogm": "AOGM"}
    same |= {f"bc_{i}": f"BC({i})" for i in range(4)}
    for mine, other in same.items():
        expected = told[other]
        assert ratios[mine] == (None if expected is None else pytest.approx(expected, abs=1e-6)), (
            mine
        )
    parts = {"ns": "NS", "fn": "FN", "fp": "FP", "ed": "ED", "ea": "EA", "ec": "EC"}
    for mine, other in parts.items():
        assert getattr(scored.aogm, mine) == told[f"AOGM_{other}"], mine
    for i, each in enumerate(scored.divisions):
        assert each.counts == tuple(told[f"{what}_div({i})"] for what in ("tp", "fp", "fn"))


@MANY
@given(seed=SEEDS)
def test_py_ctcmetrics_agrees(seed: int) -> None:
    truth = movie(seed)
    pred = spoilt(truth, seed + 1)
    assume(all(any(row) for row in truth.cells + pred.cells))  # the reference stumbles over these
    agree(score(pred, truth), reference(pred, truth))


@pytest.mark.parametrize("name", ["java_ctcmetrics_testdata", "Fluo-N2DL-HeLa_01_RES"])
def test_published_values_are_met(shared_data: Path, name: str) -> None:
    folder = shared_data / "ctc_metric_refs"
    pred, truth = CtcFolder(folder / name / "01_RES"), CtcFolder(folder / name / "01_GT")
    frames = (overlaps(pred.labels(t), truth.labels(t)) for t in range(len(truth)))
    told = json.loads((folder / "py_ctcmetrics_values.json").read_text())[name]
    agree(score_tracks(compare_tracks(frames, pred.tracks, truth.tracks)), told)


@MANY
@given(seed=SEEDS)
def test_the_truth_itself_is_perfect(seed: int) -> None:
    truth = movie(seed)
    assume(truth.tracks)
    scored = score(truth, truth)
    assert all(value in (1, None) for name, value in scored.ratios().items() if name != "aogm")
    assert scored.aogm.cost == 0
    assert scored.counts()["complete_tracks"] == len(truth.tracks)


@MANY
@given(seed=SEEDS)
def test_labels_of_the_result_may_be_any(seed: int) -> None:
    truth = movie(seed)
    pred = spoilt(truth, seed + 1)
    labels = [track.label for track in pred.tracks]
    shuffled = np.random.default_rng(seed).permutation(labels).tolist()
    names = dict(zip(labels, shuffled, strict=True))
    other = {label: 7 * name + 100 for label, name in names.items()}
    same(score(renamed(pred, other), truth), score(pred, truth))


@MANY
@given(seed=SEEDS)
def test_labels_of_the_truth_may_be_any_in_the_same_order(seed: int) -> None:
    truth = movie(seed)
    pred = spoilt(truth, seed + 1)
    other = {track.label: 3 * track.label + 5 for track in truth.tracks}
    same(score(pred, renamed(truth, other)), score(pred, truth))


@MANY
@given(seed=SEEDS)
def test_a_cell_taken_from_a_perfect_result_costs(seed: int) -> None:
    truth = movie(seed)
    assume(truth.tracks)
    cells = [list(row) for row in truth.cells]
    held = [(t, p) for t, row in enumerate(cells) for p, one in enumerate(row) if one]
    t, place = held[seed % len(held)]
    cells[t][place] = 0
    # The table stays as it was: what the images show counts.
    scored = score(Movie(tuple(map(tuple, cells)), truth.tracks), truth)
    assert scored.aogm.fn == 1
    assert scored.aogm.det is not None
    assert scored.aogm.det == pytest.approx(1 - 1 / scored.aogm.nodes)
    assert scored.aogm.tra is not None
    assert scored.aogm.tra < 1


def test_an_empty_result_scores_nothing() -> None:
    truth = table([[1, 2], [1, 3], [1, 3]], {3: 2})
    scored = score(table([[0, 0]] * 3, {}), truth)
    ratios = scored.ratios()
    assert [ratios[name] for name in ("det", "tra", "lnk", "ct", "tf", "idf1", "hota")] == [0] * 7
    assert scored.aogm.cost == 10 * 6 + 1.5 * 4


def test_an_empty_truth_has_no_scores() -> None:
    scored = score(table([[1, 0]] * 3, {}), table([[0, 0]] * 3, {}))
    ratios = scored.ratios()
    assert [ratios[name] for name in ("det", "tra", "lnk", "ct", "tf", "bio")] == [None] * 6
    assert scored.aogm.fp == 3


def test_a_link_across_a_gap_is_one_of_descent() -> None:
    truth = table([[1]] * 4, {})
    parted = table([[1], [1], [2], [2]], {2: 1})
    scored = score(parted, truth)
    assert (scored.aogm.ea, scored.aogm.ed, scored.aogm.ec) == (0, 0, 1)
    assert scored.identity.idf1 == 1


def test_a_merger_is_split_once_for_each_cell_too_many() -> None:
    truth = table([[1, 2, 3]] * 2, {})
    merged = table([[4, 4, 4]] * 2, {})
    scored = score(merged, truth)
    assert (scored.aogm.ns, scored.aogm.fn, scored.aogm.fp) == (4, 0, 0)
    assert (scored.aogm.ea, scored.aogm.ed) == (3, 0)
    assert scored.tf == 0


def test_half_a_marker_is_not_found() -> None:
    truth, pred = np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8)
    truth[:, :2] = 1
    pred[:, 1:3] = 1
    track = [Track(1, 0, 0)]
    assert compare_tracks([overlaps(pred, truth)], track, track).mending.counts.fn == 1
    pred[0, 0] = 1
    assert compare_tracks([overlaps(pred, truth)], track, track).mending.counts.fn == 0


def late(truth: Movie, by: int) -> Movie:
    """A division of two cells that is seen some frames late."""
    cells = [list(row) for row in truth.cells]
    first = next(track for track in truth.tracks if track.parent).begin
    for t in range(first, first + by):
        cells[t] = [1, 0]
    return table(cells, {2: 1, 3: 1})


@pytest.mark.parametrize("by", [0, 1, 2, 3])
def test_a_late_division_is_found_within_the_tolerance(by: int) -> None:
    truth = table([[1, 0]] * 3 + [[2, 3]] * 5, {2: 1, 3: 1})
    found = [each.counts[0] for each in comparison(late(truth, by), truth).divisions]
    assert found == [int(tolerance >= by) for tolerance in range(4)]


def test_a_division_with_a_wrong_daughter_is_not_found() -> None:
    truth = table([[1, 0, 0]] * 2 + [[2, 3, 0]] * 2, {2: 1, 3: 1})
    pred = table([[1, 0, 0]] * 2 + [[2, 0, 3]] * 2, {2: 1, 3: 1})
    for each in comparison(pred, truth).divisions:
        assert each.counts == (0, 1, 1)
        assert each.mbc == 0


def test_whole_tracks_are_those_that_begin_and_end_together() -> None:
    truth = table([[1, 2]] * 3 + [[1, 0]], {})
    scored = score(table([[1, 2]] * 4, {}), truth)
    assert scored.tracks == (2, 2, 1)
    assert scored.ct == 0.5
    assert scored.tf == 1


def test_bio_leaves_out_what_is_not_defined() -> None:
    truth = table([[1, 2]] * 3, {})
    scored = score(table([[1, 0]] * 3, {}), truth)
    assert scored.bc is None
    assert scored.cca is None
    assert scored.bio == pytest.approx((2 / 3 + 1) / 2)


def test_the_mean_leaves_out_what_is_not_defined() -> None:
    truth = table([[1, 2]] * 3, {})
    one = score(truth, truth)
    other = replace(one, seg=0.5)
    assert averaged([one, other])["seg"] == 0.5
    assert averaged([one, one])["seg"] is None


def test_memory_grows_with_the_cells_and_not_with_their_square() -> None:
    cells = 10_000
    labels = np.arange(1, cells + 1)
    tracks = [Track(int(label), 0, 3) for label in labels]
    frame = overlaps(labels.reshape(1, -1), labels.reshape(1, -1))
    tracemalloc.start()
    try:
        scored = score_tracks(compare_tracks([frame] * 4, tracks, tracks))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert scored.tracks == (cells, cells, cells)
    assert peak < 4000 * cells  # a byte for each pair would be more than twice as much
