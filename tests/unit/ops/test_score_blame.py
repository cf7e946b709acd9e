from __future__ import annotations

import numpy as np

from cytomill.ops.blame import COLOURS, Verdict, judged, paint, verdicts
from cytomill.ops.overlap import overlaps

M, X, S, B = Verdict.MATCHED, Verdict.MISSED, Verdict.SPURIOUS, Verdict.BROKEN


def row(*lengths_and_ids: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.full(n, i, np.uint16) for n, i in lengths_and_ids])[None]


def test_every_object_gets_its_verdict() -> None:
    truth = row((8, 1), (8, 2), (8, 3), (4, 4), (4, 5), (4, 0))
    pred = row((8, 9), (8, 0), (4, 5), (4, 6), (8, 7), (4, 8))
    pred_verdicts, truth_verdicts = verdicts(overlaps(pred, truth), 0.5)
    assert truth_verdicts.tolist() == [M, X, B, B, B]
    assert pred_verdicts.tolist() == [B, B, B, S, M]


def test_a_split_object_is_broken_even_where_one_piece_matches() -> None:
    pred_verdicts, truth_verdicts = verdicts(overlaps(row((7, 1), (3, 2)), row((10, 1))), 0.5)
    assert truth_verdicts.tolist() == [B]
    assert pred_verdicts.tolist() == [B, B]


def test_each_pixel_has_the_verdict_on_its_object() -> None:
    ids = np.array([3, 2**31], np.uint32)
    labels = np.array([[0, 3, 2**31]], np.uint32)
    assert judged(labels, ids, np.array([M, X], np.uint8)).tolist() == [[0, M, X]]
    assert judged(labels * 0, ids[:0], np.zeros(0, np.uint8)).tolist() == [[0, 0, 0]]


def test_outlines_are_of_the_verdict_and_only_faults_are_filled() -> None:
    labels = np.zeros((20, 40), np.uint16)
    labels[4:16, 4:16], labels[4:16, 24:36] = 1, 2
    judgement = judged(labels, np.array([1, 2], np.uint32), np.array([M, X], np.uint8))
    painted = paint(labels, judgement, np.zeros(labels.shape, np.uint8), 1)
    assert tuple(painted[4, 8]) == COLOURS[M]
    assert tuple(painted[4, 28]) == COLOURS[X]
    assert painted[10, 10].max() == 0
    assert 0 < painted[10, 30].max() < max(COLOURS[X])
    assert painted[0, 0].max() == 0


def test_the_picture_is_enlarged_and_keeps_the_background() -> None:
    grey = np.full((10, 20), 90, np.uint8)
    nothing = np.zeros_like(grey)
    painted = paint(nothing, nothing, grey, 2.5)
    assert painted.shape == (25, 50, 3)
    assert set(painted.ravel().tolist()) == {90}


def test_touching_objects_are_told_apart() -> None:
    labels = np.repeat(row((10, 1), (10, 2)), 10, axis=0)
    judgement = np.full(labels.shape, M, np.uint8)
    painted = paint(labels, judgement, np.zeros(labels.shape, np.uint8), 1)
    assert tuple(painted[5, 9]) == tuple(painted[5, 10]) == COLOURS[M]
