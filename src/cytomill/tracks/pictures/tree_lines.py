"""What a lineage tree shows of each track: where it was seen, and how it begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..lineage import Lineage

#: A cell is at the border whose centre is no further from it than so many of its radii, or this
#: share of the image's shorter side.
_RADII, _SHARE = 1.5, 0.02


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a track, from the start of frame ``first`` to the start of frame ``stop``."""

    first: int
    stop: int
    seen: bool


@dataclass(frozen=True, slots=True)
class End:
    """Where a track appears or ends without a division; ``frame`` is that of its mark."""

    frame: int
    border: bool


def spans(lineage: Lineage) -> dict[int, list[Span]]:
    """For each label the stretches in which its cell was found, and the gaps between them.

    Filled spots are gaps. Where a lineage has no spots all tracks are taken as seen.
    """
    found = ~lineage.spots.filled
    label, t = lineage.spots.label[found], lineage.spots.t[found]
    order = np.lexsort((t, label))
    label, t = label[order], t[order]
    made = {}
    for track, own in zip(lineage.tracks, _rows(lineage, label), strict=True):
        frames = t[own]
        frames = frames[(frames >= track.begin) & (frames <= track.end)]
        if len(frames) == track.end - track.begin + 1 or not len(lineage.spots):
            made[track.label] = [Span(track.begin, track.end + 1, seen=True)]
        else:
            made[track.label] = _stretches(track.begin, track.end, frames)
    return made


def _stretches(begin: int, end: int, frames: NDArray[np.int32]) -> list[Span]:
    seen = np.zeros(end - begin + 1, np.bool_)
    seen[frames - begin] = True
    edges = [0, *(np.flatnonzero(np.diff(seen)) + 1).tolist(), len(seen)]
    return [Span(begin + first, begin + stop, bool(seen[first])) for first, stop in pairwise(edges)]


def _rows(lineage: Lineage, label: NDArray[np.int32]) -> list[slice]:
    """Where each track is in ``label``, which is in order."""
    wanted = np.array([track.label for track in lineage.tracks], np.int64)
    bounds = (np.searchsorted(label, wanted + after).tolist() for after in (0, 1))
    return [slice(first, stop) for first, stop in zip(*bounds, strict=True)]


def ends(lineage: Lineage) -> dict[int, list[End]]:
    """For each label its ends that are neither a division nor the movie's first or last frame."""
    frames, height, width = lineage.shape
    spots = lineage.spots
    away = np.minimum.reduce([spots.y, height - 1 - spots.y, spots.x, width - 1 - spots.x])
    near = np.maximum(_RADII * np.sqrt(spots.area / np.pi), _SHARE * min(height, width))
    border = away <= near
    order = np.argsort(spots.label, kind="stable")
    label = spots.label[order]
    made: dict[int, list[End]] = {}
    for track, own in zip(lineage.tracks, _rows(lineage, label), strict=True):
        at = border[order[own]]
        if track.begin > 0 and lineage.founders[track.label] == track.label:
            appears = End(track.begin, bool(len(at) and at[0]))
            made.setdefault(track.label, []).append(appears)
        if track.end < frames - 1 and track.label not in lineage.daughters:
            vanishes = End(track.end + 1, bool(len(at) and at[-1]))
            made.setdefault(track.label, []).append(vanishes)
    return made
