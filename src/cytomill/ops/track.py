"""A track: one cell from where it is first seen to where it is last seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Track:
    """A line of the Cell Tracking Challenge's ``man_track.txt``: L B E P.

    The cell ``label`` is seen from frame ``begin`` to frame ``end``, both from 0 and included;
    ``parent`` is the label of the track that it came from, by a division or after a gap, or 0.
    """

    label: int
    begin: int
    end: int
    parent: int = 0
