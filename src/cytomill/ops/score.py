"""How good labels are: every measure of the field, from one table of overlaps.

Words: a pair of a predicted and a true object is *matched* when its intersection over union (IoU)
reaches a threshold and both are matched once. TP is the number of matched pairs, FP predictions
left over (*spurious*), FN true objects left over (*missed*).

- precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN)
- AP = TP / (TP + FP + FN), the average precision of the 2018 Data Science Bowl and StarDist
  (Schmidt et al., MICCAI 2018); mean AP over IoU 0.5, 0.55 … 0.95
- SQ = mean IoU of the matched pairs, RQ = F1, PQ = SQ x RQ (Kirillov et al., CVPR 2019)
- SEG: each true object is paired with the prediction that covers more than half of it, if any;
  the mean IoU of these pairs, 0 for objects without one (Maška et al., Bioinformatics 2014)
- Kiosk F1: F1 of pairs with IoU above 0.6, the rule behind the figures of the DeepCell Kiosk
  (Bannon et al., Nature Methods 2021; its assignment leaves other pairs unmatched)
- splits and merges: see `cytomill.ops.overlap.splits`
- foreground IoU and Dice: of the pixels that belong to any object

An image with no object in either is a perfect one: its ratios are 1. Precision without
predictions and recall without truth are otherwise 0. A mean over nothing, SQ without matches and
SEG without true objects, is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .overlap import Overlaps, merges, overlaps, splits

#: 0.5, 0.55 … 0.95, each the float nearest to the decimal.
THRESHOLDS = tuple(n / 20 for n in range(10, 20))

#: Pairs above this IoU count in the Kiosk paper's F1.
KIOSK_IOU = 0.6


@dataclass(frozen=True, slots=True)
class Matching:
    """Matched pairs at one threshold: their number, those left over, the sum of their IoUs."""

    threshold: float
    tp: int
    fp: int
    fn: int
    iou: float

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return self._ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return self._ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); also RQ."""
        return self._ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def ap(self) -> float:
        """TP / (TP + FP + FN)."""
        return self._ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def sq(self) -> float | None:
        """Mean IoU of the matched pairs."""
        return self.iou / self.tp if self.tp else None

    @property
    def pq(self) -> float:
        """Sum of IoUs / (TP + FP / 2 + FN / 2)."""
        return self._ratio(self.iou, self.tp + (self.fp + self.fn) / 2)

    def _ratio(self, part: float, whole: float) -> float:
        if self.tp + self.fp + self.fn == 0:
            return 1.0
        return part / whole if whole else 0.0

    def __add__(self, other: Matching) -> Matching:
        return Matching(
            self.threshold,
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.iou + other.iou,
        )


@dataclass(frozen=True, slots=True)
class Score:
    """What one image, or several pooled by ``+``, scored: counts from which the ratios follow.

    ``chosen`` is the matching at the caller's threshold, ``at`` those at `THRESHOLDS`, ``kiosk``
    that of the Kiosk's rule. ``seg_sum`` is the sum of the IoUs that SEG averages; ``pixels`` the
    foreground pixels in both, in the prediction, in the truth.
    """

    chosen: Matching
    at: tuple[Matching, ...]
    kiosk: Matching
    seg_sum: float
    splits: int
    merges: int
    pixels: tuple[int, int, int]

    @property
    def truth(self) -> int:
        """True objects."""
        return self.chosen.tp + self.chosen.fn

    @property
    def predicted(self) -> int:
        """Predicted objects."""
        return self.chosen.tp + self.chosen.fp

    @property
    def seg(self) -> float | None:
        """SEG of the Cell Tracking Challenge."""
        return self.seg_sum / self.truth if self.truth else None

    @property
    def mean_ap(self) -> float:
        """AP averaged over `THRESHOLDS`."""
        return sum(matching.ap for matching in self.at) / len(self.at)

    @property
    def foreground_iou(self) -> float:
        """Pixels in both / pixels in either."""
        both, pred, truth = self.pixels
        return both / (pred + truth - both) if pred + truth else 1.0

    @property
    def foreground_dice(self) -> float:
        """2 x pixels in both / (pixels of the prediction + pixels of the truth)."""
        both, pred, truth = self.pixels
        return 2 * both / (pred + truth) if pred + truth else 1.0

    def __add__(self, other: Score) -> Score:
        both, pred, truth = (a + b for a, b in zip(self.pixels, other.pixels, strict=True))
        return Score(
            self.chosen + other.chosen,
            tuple(a + b for a, b in zip(self.at, other.at, strict=True)),
            self.kiosk + other.kiosk,
            self.seg_sum + other.seg_sum,
            self.splits + other.splits,
            self.merges + other.merges,
            (both, pred, truth),
        )

    def counts(self) -> dict[str, int]:
        """Numbers of objects, by name."""
        return {
            "truth": self.truth,
            "predicted": self.predicted,
            "matched": self.chosen.tp,
            "missed": self.chosen.fn,
            "spurious": self.chosen.fp,
            "splits": self.splits,
            "merges": self.merges,
        }

    def ratios(self) -> dict[str, float | None]:
        """Every measure between 0 and 1, by name; ``ap_0.50`` and so on at `THRESHOLDS`."""
        chosen = self.chosen
        values: dict[str, float | None] = {
            "f1": chosen.f1,
            "precision": chosen.precision,
            "recall": chosen.recall,
            "ap": chosen.ap,
            "mean_ap": self.mean_ap,
            "pq": chosen.pq,
            "sq": chosen.sq,
            "rq": chosen.f1,
            "seg": self.seg,
            "kiosk_f1": self.kiosk.f1,
            "foreground_iou": self.foreground_iou,
            "foreground_dice": self.foreground_dice,
        }
        for name in ("f1", "precision", "recall", "ap"):
            for matching in self.at:
                values[f"{name}_{matching.threshold:.2f}"] = getattr(matching, name)
        return values


def score(pred: NDArray[Any], truth: NDArray[Any], threshold: float = 0.5) -> Score:
    """Score labels against the truth.

    ``pred`` and ``truth`` are integer arrays of one shape with any number of axes: ids up to
    2**32 - 1, 0 is background. Ids need be neither consecutive nor related between the two; a
    stack is one image, whose objects may span planes. Pairs with IoU of at least ``threshold``
    match. Raises ValueError where the shapes differ or the threshold is outside (0, 1].
    """
    return score_overlaps(overlaps(pred, truth), threshold)


def score_overlaps(table: Overlaps, threshold: float = 0.5) -> Score:
    """`score`, from overlaps counted elsewhere."""
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold} is not above 0 and at most 1")
    covered = 2 * table.shared > table.truth_areas[table.truth]
    return Score(
        chosen=_matching(table, matched(table, threshold), threshold),
        at=tuple(_matching(table, matched(table, each), each) for each in THRESHOLDS),
        kiosk=_matching(table, np.flatnonzero(table.iou > KIOSK_IOU), KIOSK_IOU),
        seg_sum=float(table.iou[covered].sum()),
        splits=int(splits(table)[0].sum()),
        merges=int(merges(table)[0].sum()),
        pixels=(
            int(table.shared.sum()),
            int(table.pred_areas.sum()),
            int(table.truth_areas.sum()),
        ),
    )


def matched(table: Overlaps, threshold: float) -> NDArray[np.intp]:
    """The pairs of ``table`` matched one to one at IoU >= ``threshold``, as indices into it.

    There are as many as can be, and of all such matchings the one with the largest sum of IoUs:
    the rule of ``stardist.matching``.
    """
    pairs = np.flatnonzero(table.iou >= threshold)
    if threshold < 0.5:
        truth, pred = table.truth[pairs], table.pred[pairs]
        contested = (np.bincount(truth)[truth] > 1) | (np.bincount(pred)[pred] > 1)
        return np.concatenate([pairs[~contested], _assigned(table, pairs[contested])])
    # Above one half, no object is in two pairs. At exactly one half an object may be in two, its
    # exact halves, which then are in no other pair: either serves.
    pairs = pairs[np.unique(table.truth[pairs], return_index=True)[1]]
    return pairs[np.unique(table.pred[pairs], return_index=True)[1]]


def pooled(scores: Iterable[Score]) -> Score:
    """All objects of all images as if of one image; raises TypeError where there is no score."""
    return reduce(Score.__add__, scores)


def averaged(scores: Sequence[Score]) -> dict[str, float | None]:
    """`Score.ratios` averaged over images, None left out; a measure that is always None stays so.

    Raises IndexError where there is no score.
    """
    rows: Sequence[Mapping[str, float | None]] = [each.ratios() for each in scores]
    means: dict[str, float | None] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def _matching(table: Overlaps, pairs: NDArray[np.intp], threshold: float) -> Matching:
    tp = len(pairs)
    fp, fn = len(table.pred_ids) - tp, len(table.truth_ids) - tp
    return Matching(threshold, tp, fp, fn, float(table.iou[pairs].sum()))


def _assigned(table: Overlaps, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """A maximum matching of largest total IoU among ``pairs``, as a sparse assignment problem.

    Each true object may take a column of its own that stands for no match, so that an assignment
    of all rows exists. Any match is worth more than all IoUs together.
    """
    if not len(pairs):
        return pairs
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(table.truth[pairs], return_inverse=True)
    columns, column = np.unique(table.pred[pairs], return_inverse=True)
    alone = np.arange(len(rows))
    cost = np.concatenate([1 - table.iou[pairs] / (2 * len(rows)), np.full(len(rows), 2.0)])
    graph = csr_array(
        (cost, (np.append(row, alone), np.append(column, len(columns) + alone))),
        shape=(len(rows), len(columns) + len(rows)),
    )
    taken_rows, taken = min_weight_full_bipartite_matching(graph)
    choice = np.full(len(rows), -1)
    choice[taken_rows] = taken
    result: NDArray[np.intp] = pairs[choice[row] == column]
    return result
