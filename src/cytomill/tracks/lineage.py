"""The lineage of a movie: its tracks, who came from whom, and where each cell was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.core import PixelSize
from ..ops.track import Track


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Where cells are, a row for each cell and frame, in order of frame, then label.

    Equally long: ``t`` the frame and ``label`` the track (int32), ``y`` and ``x`` the centre and
    ``area`` the size in pixels (float64), ``filled`` whether the spot was put into a gap (bool).
    """

    t: NDArray[np.int32]
    label: NDArray[np.int32]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    area: NDArray[np.float64]
    filled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.t)

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]]) -> Spots:
        """From rows of (t, label, y, x, area, filled) in any order."""
        table = sorted(rows, key=lambda row: (row[0], row[1]))
        kinds = (np.int32, np.int32, np.float64, np.float64, np.float64, np.bool_)
        columns = zip(*table, strict=True) if table else [()] * len(kinds)
        return cls(*(np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)))


@dataclass(frozen=True, eq=False)
class Lineage:
    """The cells of a movie and their descent.

    ``tracks`` are in order of label, each label once; a track with one daughter is one that goes on
    under another label. ``shape`` is that of the movie, (frames, y, x). ``interval`` are the
    seconds between frames, and ``pixel_size`` the size of a pixel, None where not known. ``lost``
    are the frames that could not be analysed.
    """

    tracks: tuple[Track, ...]
    spots: Spots
    shape: tuple[int, int, int]
    pixel_size: PixelSize | None = None
    interval: float | None = None
    lost: tuple[int, ...] = ()

    @cached_property
    def by_label(self) -> dict[int, Track]:
        """The track of each label."""
        return {track.label: track for track in self.tracks}

    @cached_property
    def daughters(self) -> dict[int, tuple[int, ...]]:
        """For the label of each track that others came from, their labels, ascending."""
        found: dict[int, list[int]] = {}
        for track in self.tracks:
            if track.parent:
                found.setdefault(track.parent, []).append(track.label)
        return {parent: tuple(sorted(labels)) for parent, labels in found.items()}

    @cached_property
    def divisions(self) -> tuple[int, ...]:
        """Labels of the tracks that end in a division: those with two daughters or more."""
        return tuple(sorted(label for label, own in self.daughters.items() if len(own) > 1))

    @cached_property
    def generations(self) -> dict[int, int]:
        """For each label the divisions between it and the first ancestor seen, from 0.

        Of a track that goes on under another label the generation does not change.
        """
        found: dict[int, int] = {}
        for track in sorted(self.tracks, key=lambda one: (one.begin, one.label)):
            above = found.get(track.parent)
            new = len(self.daughters.get(track.parent, ())) > 1
            found[track.label] = 0 if above is None else above + new
        return found

    @cached_property
    def founders(self) -> dict[int, int]:
        """For each label that of the first ancestor seen, which may be itself."""
        found: dict[int, int] = {}
        for track in sorted(self.tracks, key=lambda one: (one.begin, one.label)):
            found[track.label] = found.get(track.parent, track.label)
        return found
