from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from skimage.metrics import contingency_table

from cytomill.ops.overlap import overlaps, overlaps_of_blocks
from cytomill.ops.score import THRESHOLDS, averaged, matched, pooled, score, score_overlaps

DATA = Path(__file__).parents[4] / "shared" / "data"

SMALL = arrays(np.uint16, (7, 9), elements=st.integers(0, 5))


@st.composite
def segmentations(draw) -> tuple[np.ndarray, np.ndarray]:
    """A prediction and a truth of blocky objects that mostly agree, so that many pairs match."""
    truth = np.kron(draw(arrays(np.uint16, (3, 4), elements=st.integers(0, 6))), np.ones((3, 3)))
    truth = truth.astype(np.uint16)
    pred = truth.copy()
    for _ in range(draw(st.integers(0, 8))):
        y, x = draw(st.integers(0, 8)), draw(st.integers(0, 11))
        pred[y : y + draw(st.integers(1, 3)), x : x + draw(st.integers(1, 3))] = draw(
            st.integers(0, 8)
        )
    return pred, truth


BOTH = st.one_of(segmentations(), st.tuples(SMALL, SMALL))


def row(*lengths_and_ids: tuple[int, int]) -> np.ndarray:
    """A one-pixel-high image: runs of (length, id)."""
    return np.concatenate([np.full(n, i, np.uint16) for n, i in lengths_and_ids])[None]


def dense(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of every true object with every predicted one, pixel by pixel."""
    table = [
        [((truth == t) & (pred == p)).sum() / ((truth == t) | (pred == p)).sum() for p in ids(pred)]
        for t in ids(truth)
    ]
    return np.array(table).reshape(len(ids(truth)), len(ids(pred)))


def ids(labels: np.ndarray) -> np.ndarray:
    found = np.unique(labels)
    return found[found > 0]


# --- one image, known answers ------------------------------------------------------------------


def test_counts_and_ratios_of_one_good_one_missed_one_spurious_object() -> None:
    truth = row((10, 1), (5, 0), (10, 2), (5, 0), (5, 0))
    pred = row((8, 7), (2, 0), (5, 0), (10, 0), (5, 0), (5, 9))
    result = score(pred, truth)
    assert result.counts() == {
        "truth": 2,
        "predicted": 2,
        "matched": 1,
        "missed": 1,
        "spurious": 1,
        "splits": 0,
        "merges": 0,
    }
    ratios = result.ratios()
    assert ratios["precision"] == ratios["recall"] == ratios["f1"] == ratios["rq"] == 0.5
    assert ratios["ap"] == pytest.approx(1 / 3)
    assert ratios["sq"] == 0.8
    assert ratios["pq"] == 0.4
    assert ratios["seg"] == 0.4
    assert ratios["mean_ap"] == pytest.approx(7 / 10 / 3)
    assert ratios["foreground_iou"] == pytest.approx(8 / 25)
    assert ratios["foreground_dice"] == pytest.approx(16 / 33)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_pair_at_exactly_the_threshold_matches(threshold: float) -> None:
    parts = round(threshold * 20)
    truth, pred = row((20, 1)), row((parts, 1), (20 - parts, 0))
    index = THRESHOLDS.index(threshold)
    assert score(pred, truth).at[index].tp == 1
    if index + 1 < len(THRESHOLDS):
        assert score(pred, truth).at[index + 1].tp == 0


def test_two_exact_halves_match_once() -> None:
    whole, halves = row((10, 1)), row((5, 1), (5, 2))
    assert score(halves, whole).chosen.tp == score(whole, halves).chosen.tp == 1
    assert score(halves, whole).chosen.fp == 1
    assert score(whole, halves).chosen.fn == 1


def test_the_kiosk_counts_pairs_above_six_tenths_only() -> None:
    truth = row((20, 1))
    assert score(row((12, 1), (8, 0)), truth).kiosk.f1 == 0
    assert score(row((13, 1), (7, 0)), truth).kiosk.f1 == 1


def test_below_one_half_as_many_pairs_as_possible_are_matched() -> None:
    # The best pair alone, 1 with 1, would leave 2 and 2 without a partner.
    truth = row((10, 1), (6, 2), (4, 0))
    pred = row((4, 2), (12, 1), (4, 0))
    table = overlaps(pred, truth)
    pairs = matched(table, 0.2)
    assert {(table.truth_ids[t], table.pred_ids[p]) for t, p in _ends(table, pairs)} == {
        (1, 2),
        (2, 1),
    }


def test_below_one_half_the_better_of_two_partners_is_taken() -> None:
    assert score(row((4, 1), (6, 2)), row((10, 1)), 0.3).chosen.iou == 0.6
    assert score(row((10, 1)), row((6, 2), (4, 1)), 0.3).chosen.iou == 0.6


def _ends(table, pairs):
    return zip(table.truth[pairs], table.pred[pairs], strict=True)


def test_seg_is_that_of_the_cell_tracking_challenge() -> None:
    truth = row((10, 1), (10, 2))
    pred = row((10, 5), (7, 6), (3, 0))
    assert score(pred, truth).seg == pytest.approx(0.85)


def test_seg_counts_a_missed_object_as_zero() -> None:
    truth = row((10, 1), (10, 2), (10, 3))
    pred = row((10, 5), (7, 6), (3, 0), (10, 0))
    assert score(pred, truth).seg == pytest.approx(1.7 / 3)


def test_seg_needs_more_than_half_of_the_true_object() -> None:
    truth = row((10, 1))
    assert score(row((5, 1), (5, 0)), truth).seg == 0
    assert score(row((6, 1), (4, 0)), truth).seg == 0.6


def test_seg_ignores_spurious_objects() -> None:
    assert score(row((4, 1), (4, 2)), row((4, 1), (4, 0))).seg == 1


@pytest.mark.parametrize(
    ("pieces", "is_split"),
    [
        (((7, 1), (3, 2)), True),
        (((19, 1), (1, 2)), False),
        (tuple((1, i) for i in range(1, 21)), True),
        (((10, 1),), False),
    ],
)
def test_an_object_in_pieces_is_a_split_unless_only_specks_come_off(pieces, is_split) -> None:
    whole = row((sum(length for length, _ in pieces), 1))
    assert score(row(*pieces), whole).splits == is_split
    assert score(row(*pieces), whole).merges == 0
    assert score(whole, row(*pieces)).merges == is_split
    assert score(whole, row(*pieces)).splits == 0


def test_a_neighbour_that_reaches_over_is_no_split() -> None:
    truth = row((10, 1), (10, 2))
    pred = row((6, 1), (14, 2))
    assert (score(pred, truth).splits, score(pred, truth).merges) == (0, 0)


# --- nothing there -----------------------------------------------------------------------------


def test_nothing_where_there_is_nothing_is_perfect() -> None:
    nothing = np.zeros((4, 4), np.uint8)
    result = score(nothing, nothing)
    wanted = dict.fromkeys(result.ratios(), 1.0) | {"seg": None, "sq": None}
    assert result.ratios() == wanted


def test_all_missed_and_all_spurious_score_zero() -> None:
    nothing, one = row((4, 0)), row((2, 0), (2, 1))
    for pred, truth in ((nothing, one), (one, nothing)):
        values = score(pred, truth).ratios()
        assert {values[name] for name in ("f1", "precision", "recall", "ap", "pq")} == {0.0}
    assert score(nothing, one).seg == 0
    assert score(one, nothing).seg is None


# --- properties --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(BOTH, st.sampled_from([0.05, 0.2, 0.4, *THRESHOLDS]))
def test_equals_the_dense_definition(labels, threshold) -> None:
    pred, truth = labels
    iou = dense(pred, truth)
    cost = -(iou >= threshold).astype(float) - iou / (2 * max(1, min(iou.shape)))
    rows, columns = linear_sum_assignment(cost)
    good = iou[rows, columns] >= threshold
    result = score(pred, truth, threshold)
    assert result.chosen.tp == good.sum()
    assert result.chosen.iou == pytest.approx(iou[rows, columns][good].sum())
    assert result.chosen.fn == len(iou) - good.sum()
    assert result.kiosk.tp == (iou > 0.6).sum()

    covered = 0.0
    for index, t in enumerate(ids(truth)):
        for other, p in enumerate(ids(pred)):
            if 2 * ((truth == t) & (pred == p)).sum() > (truth == t).sum():
                covered += iou[index, other]
    assert result.seg_sum == pytest.approx(covered)


@settings(max_examples=40, deadline=None)
@given(BOTH, st.permutations(range(1, 9)), st.integers(0, 2**32 - 100))
def test_relabelling_changes_nothing(labels, order, offset) -> None:
    pred, truth = labels
    names = np.array([0, *order], np.uint32)
    renamed = np.where(pred > 0, names[pred] + np.uint32(offset), 0)
    before, after = score(pred, truth, 0.3), score(renamed, truth, 0.3)
    assert after.counts() == before.counts()
    assert after.ratios() == pytest.approx(before.ratios())


@settings(max_examples=40, deadline=None)
@given(SMALL)
def test_identical_labels_are_perfect(labels) -> None:
    result = score(labels, labels)
    assert {value for value in result.ratios().values() if value is not None} == {1.0}
    assert result.counts()["matched"] == len(ids(labels))


@settings(max_examples=40, deadline=None)
@given(BOTH)
def test_exchanging_the_two_exchanges_precision_and_recall_splits_and_merges(labels) -> None:
    a, b = labels
    one, other = score(a, b), score(b, a)
    assert one.chosen.precision == other.chosen.recall
    assert one.chosen.f1 == other.chosen.f1
    assert (one.splits, one.merges) == (other.merges, other.splits)
    assert one.foreground_iou == other.foreground_iou


@settings(max_examples=40, deadline=None)
@given(BOTH, st.integers(1, 6))
def test_blocks_in_any_order_give_the_same_table(labels, cut) -> None:
    pred, truth = labels
    blocks = [(pred[cut:], truth[cut:]), (pred[:cut], truth[:cut])]
    parts, whole = overlaps_of_blocks(blocks), overlaps(pred, truth)
    for name in ("pred_ids", "pred_areas", "truth_ids", "truth_areas", "shared", "iou"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@settings(max_examples=20, deadline=None)
@given(BOTH)
def test_overlaps_are_those_of_scikit_image(labels) -> None:
    pred, truth = labels
    table = overlaps(pred, truth)
    theirs = contingency_table(truth, pred).toarray()
    theirs[0], theirs[:, 0] = 0, 0
    ours = np.zeros_like(theirs)
    ours[table.truth_ids[table.truth], table.pred_ids[table.pred]] = table.shared
    np.testing.assert_array_equal(ours, theirs)


# --- several images ----------------------------------------------------------------------------


def test_pooling_adds_objects_and_averaging_counts_images_alike() -> None:
    good = score(row(*[(2, i) for i in range(1, 10)]), row(*[(2, i) for i in range(1, 10)]))
    bad = score(row((4, 0)), row((4, 1)))
    assert pooled([good, bad]).chosen.recall == 0.9
    assert averaged([good, bad])["recall"] == 0.5
    assert pooled([good, bad]).seg == 0.9
    assert averaged([good, bad])["seg"] == 0.5


def test_an_image_without_truth_is_left_out_of_mean_seg() -> None:
    nothing = score(row((4, 0)), row((4, 0)))
    half = score(row((6, 1), (4, 0)), row((10, 1)))
    assert averaged([nothing, half])["seg"] == 0.6
    assert averaged([nothing, nothing])["seg"] is None


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_a_threshold_outside_0_to_1_is_refused(threshold) -> None:
    with pytest.raises(ValueError, match="threshold"):
        score(row((1, 1)), row((1, 1)), threshold)


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        score(np.zeros((2, 3), int), np.zeros((3, 2), int))


def test_a_stack_is_one_image_whose_objects_span_planes() -> None:
    stack = np.ones((3, 4, 4), np.uint16)
    assert score(stack, stack).counts()["matched"] == 1


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_many_objects_need_no_dense_table(threshold) -> None:
    # 40,000 x 40,000 values would take 12.8 GB.
    cells = np.arange(1, 40_001, dtype=np.uint32).reshape(200, 200)
    truth = np.kron(cells, np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]], np.uint32))
    result = score(truth, truth, threshold)
    assert result.counts()["matched"] == 40_000
    assert score_overlaps(overlaps(np.roll(truth, 1), truth)).at[0].tp == 0


def test_seg_of_a_real_result_is_the_published_one() -> None:
    folder = DATA / "ctc_metric_refs"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/ctc_metric_refs")
    wanted = json.loads((folder / "py_ctcmetrics_values.json").read_text())["Fluo-N2DL-HeLa_01_RES"]
    scores = [
        score(
            tifffile.imread(folder / "Fluo-N2DL-HeLa_01_RES/01_RES" / f"mask{file.stem[-3:]}.tif"),
            tifffile.imread(file),
        )
        for file in sorted((folder / "Fluo-N2DL-HeLa_01_RES/01_GT/SEG").glob("*.tif"))
    ]
    assert pooled(scores).seg == pytest.approx(wanted["SEG"], abs=1e-9)
