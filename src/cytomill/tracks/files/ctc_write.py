"""Writing results as the Cell Tracking Challenge takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ...ops.track import Track
from ..lineage import Lineage
from ..scores.validity import MAX_LABEL
from .graph import by_track
from .stack import Labels


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Tracks cut at their gaps: ``tracks`` in order of label, and for each spot its label there."""

    tracks: tuple[Track, ...]
    labels: NDArray[np.int64]


def write_ctc(path: Path, lineage: Lineage, labels: Labels) -> None:
    """Write the folder ``path``: ``mask000.tif``… (uint16, zlib) and ``res_track.txt``.

    The challenge wants each label in every frame from its first to its last. A track that is not
    is cut at its gaps: the piece after a gap has a new label, and the one before as its parent.
    Numbers have four digits where there are more than 1000 frames. Labels stay as they are where
    they fit 16 bits, else they are numbered anew. More than 65,535 take masks of 32 bits, which the
    challenge's own programs do not read.
    """
    pieces = cut(lineage)
    kind = np.dtype(np.uint16 if len(pieces.tracks) <= MAX_LABEL else np.uint32)
    path.mkdir()
    frames = lineage.shape[0]
    digits = max(3, len(str(frames - 1)))
    spots = lineage.spots
    ends = np.searchsorted(spots.t, np.arange(frames + 1))
    for t in range(frames):
        rows = slice(ends[t], ends[t + 1])
        mask = _relabelled(labels[t, 0], spots.label[rows], pieces.labels[rows], kind)
        tifffile.imwrite(
            path / f"mask{t:0{digits}}.tif",
            mask,
            photometric="minisblack",
            compression="zlib",
            metadata=None,
            software=False,
        )
    lines = [f"{one.label} {one.begin} {one.end} {one.parent}\n" for one in pieces.tracks]
    (path / "res_track.txt").write_bytes("".join(lines).encode("ascii"))


def cut(lineage: Lineage) -> Pieces:
    """The tracks of ``lineage`` without gaps, with labels that fit 16 bits where they can."""
    spots = lineage.spots
    order, _ = by_track(spots)
    label, t = spots.label[order].astype(np.int64), spots.t[order].astype(np.int64)
    new_track = np.diff(label, prepend=-1) != 0
    begins = np.flatnonzero(new_track | (np.diff(t, prepend=-2) != 1))
    ends = np.append(begins[1:], len(order))[: len(begins)] - 1
    named = _named(label[begins], new_track[begins])
    last = dict(zip(label[begins].tolist(), named.tolist(), strict=True))
    parents = {track.label: last.get(track.parent, 0) for track in lineage.tracks}
    before = np.roll(named, 1).tolist()
    rows = zip(
        named.tolist(),
        t[begins].tolist(),
        t[ends].tolist(),
        label[begins].tolist(),
        before,
        new_track[begins].tolist(),
        strict=True,
    )
    tracks = sorted(
        Track(own, begin, end, parents[track] if is_first else previous)
        for own, begin, end, track, previous, is_first in rows
    )
    labels = np.empty(len(order), np.int64)
    labels[order] = np.repeat(named, ends - begins + 1)
    return Pieces(tuple(tracks), labels)


def _named(label: NDArray[np.int64], first: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A label for each piece: that of its track for the ``first`` of it, else one that is free."""
    count = len(label)
    largest = int(label.max(initial=0))
    if largest + np.count_nonzero(~first) > MAX_LABEL:
        return np.arange(1, count + 1)
    named = label.copy()
    named[~first] = largest + 1 + np.arange(np.count_nonzero(~first))
    return named


def _relabelled(
    frame: NDArray[Any], old: NDArray[np.int32], new: NDArray[np.int64], kind: np.dtype[Any]
) -> NDArray[Any]:
    """A frame (y, x) with the labels ``old``, ascending, replaced by ``new``."""
    if np.array_equal(old, new):
        return frame.astype(kind, copy=False)
    mask = np.zeros(frame.shape, kind)
    inside = frame != 0
    mask[inside] = new[np.searchsorted(old, frame[inside])]
    return mask
