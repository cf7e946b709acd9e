"""The scores of tracking: those of the Cell Tracking Challenge, and some that others use.

What each part is, and whose definition, is told where it is made: `score_cells` (which cell was
found), `score_links` (DET, LNK, TRA), `score_tracks` (CT, TF, CCA), `score_divisions` (BC),
`score_identity` (IDF1, HOTA).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...ops.overlap import Overlaps
from ...ops.track import Track
from .cells import Matches, match
from .divisions import LARGEST, Divisions, compare_divisions
from .identity import Identity, identity
from .links import Aogm, Mending, mending
from .tracks import (
    Followed,
    cell_cycle_accuracy,
    complete_tracks,
    followed,
    track_fractions,
)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A predicted and a true lineage beside each other, cell by cell.

    ``divisions`` are compared with tolerances of 0, 1 … `LARGEST` frames.
    """

    matches: Matches
    mending: Mending
    followed: Followed
    divisions: tuple[Divisions, ...]


@dataclass(frozen=True, slots=True)
class Seg:
    """SEG so far: the sum of the IoUs of ``objects`` true ones."""

    objects: int = 0
    total: float = 0.0

    @property
    def value(self) -> float | None:
        """Mean IoU; None without true objects."""
        return self.total / self.objects if self.objects else None

    def __add__(self, frame: Overlaps) -> Seg:
        """With the objects of one more frame.

        The IoU of a true object is that with the prediction that covers more than half of it, 0
        where none does; predictions beside are not looked at, so that the truth of a frame may be
        of some cells only. celltrackingchallenge.net, "Evaluation methodology", SEG.
        """
        covered = 2 * frame.shared > frame.truth_areas[frame.truth]
        return Seg(
            self.objects + len(frame.truth_ids), self.total + float(frame.iou[covered].sum())
        )


@dataclass(frozen=True, slots=True)
class TrackScore:
    """What a movie scored.

    ``tracks`` are the true, predicted and complete ones, ``divisions`` those of `Comparison` as
    (true positives, false positives, false negatives). BIO, and with it OP_CLB, takes BC at
    ``tolerance`` frames.
    """

    aogm: Aogm
    seg: float | None
    ct: float | None
    tf: float | None
    cca: float | None
    identity: Identity
    tracks: tuple[int, int, int]
    divisions: tuple[Divisions, ...]
    predicted: int
    tolerance: int

    @property
    def bc(self) -> float | None:
        """BC at the tolerance."""
        return self.divisions[self.tolerance].f1

    @property
    def bio(self) -> float | None:
        """The mean of those of CT, TF, BC and CCA that are defined."""
        told = [each for each in (self.ct, self.tf, self.bc, self.cca) if each is not None]
        return sum(told) / len(told) if told else None

    def counts(self) -> dict[str, int]:
        """Numbers of cells in frames, links, tracks, and divisions at the tolerance, by name."""
        aogm = self.aogm
        tp, fp, fn = self.divisions[self.tolerance].counts
        true, predicted, complete = self.tracks
        return {
            "cells": aogm.nodes,
            "predicted_cells": self.predicted,
            "missed_cells": aogm.fn,
            "spurious_cells": aogm.fp,
            "merged_cells": aogm.ns,
            "links": aogm.edges,
            "missing_links": aogm.ea,
            "wrong_links": aogm.ed,
            "confused_links": aogm.ec,
            "tracks": true,
            "predicted_tracks": predicted,
            "complete_tracks": complete,
            "divisions": tp + fn,
            "predicted_divisions": tp + fp,
            "found_divisions": tp,
            "missed_divisions": fn,
            "spurious_divisions": fp,
        }

    def ratios(self) -> dict[str, float | None]:
        """Every measure by name, between 0 and 1 but ``aogm``; None where it is not defined."""
        aogm = self.aogm
        values: dict[str, float | None] = {
            "seg": self.seg,
            "det": aogm.det,
            "tra": aogm.tra,
            "lnk": aogm.lnk,
            "op_csb": _mean(self.seg, aogm.det),
            "op_ctb": _mean(self.seg, aogm.tra),
            "op_clb": _mean(aogm.lnk, self.bio),
            "bio": self.bio,
            "ct": self.ct,
            "tf": self.tf,
            "cca": self.cca,
        }
        for each in self.divisions:
            values[f"bc_{each.tolerance}"] = each.f1
        for each in self.divisions:
            values[f"division_precision_{each.tolerance}"] = each.precision
            values[f"division_recall_{each.tolerance}"] = each.recall
            values[f"mbc_{each.tolerance}"] = each.mbc
        return values | {
            "idf1": self.identity.idf1,
            "hota": self.identity.hota,
            "aogm": aogm.cost,
        }


def compare_tracks(
    frames: Iterable[Overlaps], pred: Sequence[Track], truth: Sequence[Track]
) -> Comparison:
    """Compare two lineages from the overlaps of the labels of every frame, in order from 0.

    ``pred`` and ``truth`` are the tables of tracks. Frames are taken one at a time; memory grows
    with the cells in all frames.
    """
    matches = match(frames, pred, truth)
    return Comparison(
        matches,
        mending(matches),
        followed(matches),
        tuple(compare_divisions(matches, tolerance) for tolerance in range(LARGEST + 1)),
    )


def score_tracks(
    comparison: Comparison, seg: float | None = None, tolerance: int = 1
) -> TrackScore:
    """The scores of a comparison.

    ``seg`` is known only from true outlines, see `Seg`. ``tolerance`` is that of BIO and OP_CLB, 0
    to `LARGEST` frames; the challenge takes 1 for Fluo-N2DL-HeLa, 2 for PhC-C2DL-PSC and 3 for
    Fluo-N2DH-SIM+ (Ulman et al., Nature Methods 2017).
    """
    matches, along = comparison.matches, comparison.followed
    predicted = len(matches.pred.tracks)
    return TrackScore(
        aogm=comparison.mending.counts,
        seg=seg,
        ct=complete_tracks(along, predicted),
        tf=track_fractions(along),
        cca=cell_cycle_accuracy(matches.pred.tracks, matches.truth.tracks),
        identity=identity(matches),
        tracks=(len(along.label), predicted, int(along.complete.sum())),
        divisions=comparison.divisions,
        predicted=len(matches.pred),
        tolerance=tolerance,
    )


def averaged(scores: Sequence[TrackScore]) -> dict[str, float | None]:
    """`TrackScore.ratios` averaged over movies, None left out; one that is always None stays so.

    Raises IndexError where there is no score.
    """
    rows = [each.ratios() for each in scores]
    means: dict[str, float | None] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def _mean(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else (first + second) / 2
