"""Tidying tracks: divisions that were none, and what is seen too briefly to be a cell."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ...ops.track import Track


def tidied(
    tracks: Sequence[Track],
    frames: int,
    *,
    shortest: int,
    daughter: int,
    left: Collection[int] = (),
) -> tuple[tuple[Track, ...], NDArray[np.uint32]]:
    """The tracks less what was probably debris; and the new label of each, 0 for none.

    ``tracks`` are in order of label, from 1, parents before their daughters. A daughter that is
    seen in fewer than ``daughter`` frames, and then no more though the movie of ``frames`` frames
    goes on, was none: her mother and her sister are one track. ``left`` are the labels of tracks
    that ended at the border, which are believed. Tracks of fewer than ``shortest`` frames that have
    no relatives are left out.
    """
    families: dict[int, list[Track]] = {}
    for track in tracks:
        if track.parent:
            families.setdefault(track.parent, []).append(track)
    alone: set[int] = set()
    heir: dict[int, int] = {}
    for mother, own in families.items():
        stubs = [
            one
            for one in own
            if one.end - one.begin + 1 < daughter
            and one.end < frames - 1
            and one.label not in families
            and one.label not in left
        ]
        if len(own) == 2 and len(stubs) == 1:
            alone.add(stubs[0].label)
            heir[next(one.label for one in own if one is not stubs[0])] = mother
    return _numbered(tracks, alone, heir, shortest)


def _numbered(
    tracks: Sequence[Track], alone: Collection[int], heir: dict[int, int], shortest: int
) -> tuple[tuple[Track, ...], NDArray[np.uint32]]:
    """The tracks numbered anew; ``heir`` go on as the track that they are said to be of."""
    whole: dict[int, int] = {}
    ends: dict[int, int] = {}
    for track in tracks:
        whole[track.label] = whole.get(heir.get(track.label, 0), track.label)
        ends[whole[track.label]] = track.end
    parents = {
        track.label: 0 if track.label in alone else whole.get(track.parent, 0)
        for track in tracks
        if track.label not in heir
    }
    mothers = set(parents.values())
    new = np.zeros(len(tracks) + 1, np.uint32)
    kept: list[Track] = []
    for track in tracks:
        if track.label in heir:
            continue
        parent = parents[track.label]
        lasts = ends[track.label] - track.begin + 1
        if parent or track.label in mothers or lasts >= shortest:
            new[track.label] = len(kept) + 1
            kept.append(Track(len(kept) + 1, track.begin, ends[track.label], int(new[parent])))
    for label in heir:
        new[label] = new[whole[label]]
    return tuple(kept), new
