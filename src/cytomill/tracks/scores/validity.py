"""Whether a result keeps the rules of the Cell Tracking Challenge.

The rules are those that the challenge's own program (java-ctcmetrics, ``TRA.CheckConsistency``) and
py-ctcmetrics (``valid``) hold a result to, and that its files have 16 bits. Neither minds a label
in several pieces or a frame without cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...ops.track import Track

#: The largest label of the challenge's files.
MAX_LABEL = 2**16 - 1


def check(tracks: Sequence[Track], frames: Iterable[NDArray[Any]]) -> list[str]:
    """What is wrong with a result, a sentence each, with what to do; none where it is valid.

    ``frames`` are the label images in order, of any integer type, or the ids in each.
    """
    present = [np.unique(frame).astype(np.int64) for frame in frames]
    return check_table(tracks, len(present)) + check_images(tracks, present)


def check_table(tracks: Sequence[Track], frames: int) -> list[str]:
    """What is wrong with the table of tracks of a movie of so many ``frames``."""
    if not tracks:
        return ["there is no track: nothing was found, or the wrong files were written"]
    by_label: dict[int, Track] = {}
    faults: list[str] = []
    for track in tracks:
        if track.label in by_label:
            faults.append(f"label {track.label} has two tracks: give each track a label of its own")
        by_label.setdefault(track.label, track)
    wide = [track.label for track in tracks if track.label > MAX_LABEL]
    if wide:
        more = f" and {len(wide) - 1} more are" if len(wide) > 1 else " is"
        faults.append(
            f"label {wide[0]}{more} above {MAX_LABEL}, the most that 16 bits hold: renumber the "
            "tracks from 1"
        )
    for track in tracks:
        faults += _faults(track, by_label, frames)
    return faults


def _faults(track: Track, by_label: dict[int, Track], frames: int) -> list[str]:
    name = f"track {track.label}"
    faults: list[str] = []
    if track.label < 1:
        faults.append(f"{name}: labels are from 1")
    if track.end < track.begin:
        faults.append(f"{name} ends in frame {track.end}, before it begins in {track.begin}")
    elif track.begin < 0 or track.end >= frames:
        faults.append(
            f"{name} is in frames {track.begin} to {track.end}, but the movie has 0 to "
            f"{frames - 1}: count frames from 0, and give an image for each"
        )
    if track.parent:
        parent = by_label.get(track.parent)
        if parent is None:
            faults.append(f"{name} has the parent {track.parent}, which is no track: make it 0")
        elif parent.end >= track.begin:
            faults.append(
                f"{name} begins in frame {track.begin}, but its parent {parent.label} ends in "
                f"frame {parent.end}: end the parent before"
            )
    return faults


def check_images(tracks: Sequence[Track], present: Sequence[NDArray[np.int64]]) -> list[str]:
    """Where the labels ``present`` in each frame are not those that the table gives it.

    A sentence for each stretch of frames of a label. 0 is not a label.
    """
    table = {track.label: track for track in tracks}
    seen: dict[int, list[int]] = {}
    for t, ids in enumerate(present):
        for label in ids[ids != 0].tolist():
            seen.setdefault(label, []).append(t)
    faults: list[str] = []
    for label in sorted({*table, *seen}):
        there, track = seen.get(label, []), table.get(label)
        if track is None:
            faults.append(
                f"label {label} is in {_stretches(there)} but has no track: give it a line, or "
                "take it out of the images"
            )
            continue
        span = f"its track is from frame {track.begin} to {track.end}"
        outside = [t for t in there if not track.begin <= t <= track.end]
        if outside:
            faults.append(f"label {label} is in {_stretches(outside)}, but {span}: lengthen it")
        held = set(there)
        lacking = [t for t in range(track.begin, track.end + 1) if t not in held]
        if lacking:
            faults.append(
                f"label {label} is not in {_stretches(lacking)}, but {span}: end it before, and "
                f"begin another with parent {label} after"
            )
    return faults


def _stretches(frames: Sequence[int]) -> str:
    """``frames 2 to 5 and 9``."""
    parts: list[list[int]] = []
    for t in frames:
        if parts and parts[-1][-1] == t - 1:
            parts[-1][1:] = [t]
        else:
            parts.append([t])
    shown = [" to ".join(map(str, part)) for part in parts[:3]]
    more = [f"{len(parts) - 3} more stretches"] if len(parts) > 3 else []
    *head, last = shown + more
    text = ", ".join(head) + (" and " if head else "") + last
    return ("frames " if len(frames) > 1 else "frame ") + text
