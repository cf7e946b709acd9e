"""Divisions: which were found, within a tolerance of some frames, and with the right daughters.

BC(i) of the Cell Tracking Challenge is the F1 of divisions with tolerance i: Ulman et al., Nature
Methods 2017, doi:10.1038/nmeth.4473, and the challenge's own program (java-ctcmetrics, ``BCi``).
Mitotic branching correctness: Ulicna et al., Frontiers in Computer Science 2021.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...ops.track import Track
from .cells import Matches

#: The largest tolerance that is looked at, in frames; the challenge uses 1 to 3.
LARGEST = 3


@dataclass(frozen=True, slots=True)
class Division:
    """A track that ends in two or more: the ``parent`` and its ``daughters``, ascending."""

    parent: Track
    daughters: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Divisions:
    """True divisions found and ``missed``, and predicted ones that are ``spurious``.

    ``tolerance`` is in frames. ``found`` are pairs of a predicted and a true division.
    """

    tolerance: int
    found: tuple[tuple[Division, Division], ...]
    missed: tuple[Division, ...]
    spurious: tuple[Division, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """True positives, false positives, false negatives."""
        return len(self.found), len(self.spurious), len(self.missed)

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP); None where no division was predicted."""
        tp, fp, _ = self.counts
        return tp / (tp + fp) if tp + fp else None

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN); None where there is no true division."""
        tp, _, fn = self.counts
        return tp / (tp + fn) if tp + fn else None

    @property
    def f1(self) -> float | None:
        """BC(i): 2 TP / (2 TP + FP + FN); None where there is no true division."""
        tp, fp, fn = self.counts
        return 2 * tp / (2 * tp + fp + fn) if tp + fn else None

    @property
    def mbc(self) -> float | None:
        """Mitotic branching correctness: TP / (TP + FP + FN); None where no true division is."""
        tp, fp, fn = self.counts
        return tp / (tp + fp + fn) if tp + fn else None


def divisions(tracks: Iterable[Track]) -> tuple[Division, ...]:
    """All divisions, in order of the parent's label."""
    by_label: dict[int, Track] = {}
    daughters: dict[int, list[Track]] = {}
    for track in tracks:
        by_label[track.label] = track
        daughters.setdefault(track.parent, []).append(track)
    return tuple(
        Division(by_label[parent], tuple(sorted(own)))
        for parent, own in sorted(daughters.items())
        if parent and len(own) > 1
    )


def compare_divisions(matches: Matches, tolerance: int) -> Divisions:
    """Which divisions were found, allowing ``tolerance`` frames between predicted and true.

    A predicted division is the true one where it has as many daughters; its parent ends within the
    tolerance of the true parent and is its only finder in the last frame that both have; and for
    every true daughter one of its daughters begins within the tolerance and is the only finder in
    the first frame that both have.
    """
    look = _Partners(matches)
    true, told = divisions(matches.truth.tracks), divisions(matches.pred.tracks)
    by_parent = {one.parent.label: one for one in told}
    claims = []
    for one in true:
        last = range(max(one.parent.begin, one.parent.end - tolerance), one.parent.end + 1)
        for label in sorted({look.at(t, one.parent.label) for t in last} & set(by_parent)):
            other = by_parent[label]
            if _same(look, one, other, tolerance):
                apart = abs(one.parent.end - other.parent.end)
                claims.append((apart, one.parent.label, label, other, one))
    found: dict[int, tuple[Division, Division]] = {}
    taken: set[int] = set()
    for _, true_label, label, other, one in sorted(claims, key=lambda claim: claim[:3]):
        if true_label not in found and label not in taken:
            found[true_label] = other, one
            taken.add(label)
    return Divisions(
        tolerance,
        tuple(found[label] for label in sorted(found)),
        tuple(one for one in true if one.parent.label not in found),
        tuple(one for one in told if one.parent.label not in taken),
    )


class _Partners:
    """The predicted track that finds a true track in a frame, and it alone."""

    def __init__(self, matches: Matches) -> None:
        nodes = matches.truth
        self._keys = nodes.t << 32 | nodes.track
        order = np.argsort(self._keys)
        self._keys, self._partner = self._keys[order], matches.partner[order]

    def at(self, t: int, label: int) -> int:
        """Its label; 0 where there is none."""
        key = t << 32 | label
        at = int(np.searchsorted(self._keys, key))
        return int(self._partner[at]) if at < len(self._keys) and self._keys[at] == key else 0


def _same(look: _Partners, true: Division, told: Division, tolerance: int) -> bool:
    ends = true.parent.end, told.parent.end
    return (
        len(true.daughters) == len(told.daughters)
        and abs(ends[0] - ends[1]) <= tolerance
        and look.at(min(ends), true.parent.label) == told.parent.label
        and all(
            any(
                abs(own.begin - other.begin) <= tolerance
                and look.at(max(own.begin, other.begin), own.label) == other.label
                for other in told.daughters
            )
            for own in true.daughters
        )
    )
