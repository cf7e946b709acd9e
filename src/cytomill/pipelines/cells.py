"""The cells of a movie on their way from the parts of its frames to tracks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import InputError
from ..image.core import Image, PixelSize
from ..ops.measure import INTENSITY, SHAPE
from ..ops.table import schema, to_table
from ..ops.track import Track
from ..tracks.lineage import Lineage, Spots
from ..tracks.linking.detections import detections
from ..tracks.linking.fill import Filling, Gap, Sight, fill
from ..tracks.linking.link import Linked, Linker, Linking
from ..tracks.linking.tidy import tidied
from .base import Partial
from .canvas import Canvas, Stack
from .stopwatch import Stopwatch

#: Frames whose remarks are passed on.
_HEARD = 3

_BOX = ("bbox-0", "bbox-1", "bbox-2", "bbox-3")

Columns = dict[str, NDArray[Any]]


def gathered(
    image: Image,
    partials: Iterable[Partial],
    scratch: Path,
    how: Linking,
    bright: int | None,
    watch: Stopwatch,
) -> Cells:
    """The cells of a movie's frames, linked as the frames come.

    ``bright`` is the measured channel whose brightness tells cells apart. Raises `InputError` where
    no frame could be analysed.
    """
    cells = Cells(image, scratch, how, bright)
    for t, group in groupby(partials, key=lambda partial: partial.t):
        parts = list(group)
        for partial in parts:
            watch.add(partial.seconds)
        with watch("link"):
            cells.add(t, parts)
    if len(cells.reasons) == image.shape[0]:
        raise InputError(image.name, f"none of its frames could be analysed ({cells.reasons[0]})")
    return cells


class Cells:
    """The cells of frames: labels on a canvas, measurements in tables, and what links them."""

    def __init__(self, image: Image, scratch: Path, how: Linking, bright: int | None) -> None:
        #: Why frames were lost, by their number.
        self.reasons: dict[int, str] = {}
        self._image, self._bright = image, bright
        times, _, _, height, width = image.shape
        self._canvas = Canvas((times, 1, height, width), scratch, numbered=False)
        self._linker = Linker(how)
        self._columns: dict[int, Columns] = {}
        self._taken: dict[int, int] = {}
        self._tracks: tuple[Track, ...] = ()
        #: For each frame the label of the track of each of its labels.
        self._track_of: dict[int, NDArray[np.uint32]] = {}
        self._remarks: list[str] = []
        #: The columns of brightness, of all channels.
        self._lit: list[str] = []

    def add(self, t: int, parts: Sequence[Partial]) -> None:
        """The parts of the next frame."""
        for partial in parts:
            if "lost" in partial.outputs:
                self.reasons[t] = str(partial.outputs["lost"])
                return
        count, found = 0, []
        for partial in parts:
            if partial.labels is not None and partial.count:
                labels = partial.labels
                if count:
                    labels = np.where(labels > 0, labels + count, 0)
                self._canvas.paste(t, 0, partial.box, labels, count + partial.count)
            found.append(_moved(partial, count))
            count += partial.count
            self._remarks += partial.outputs.get("notes", ())
        columns = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        shape = self._image.shape[3], self._image.shape[4]
        self._linker.add(detections(t, shape, columns, brightness=self._brightness(columns)))
        self._columns[t], self._taken[t] = columns, count
        self._lit = [name for name in columns if name.startswith("intensity_")]

    def link(self, *, fill: bool, shortest: int, daughter: int) -> None:
        """Make tidy tracks of them, see `tracks.linking.tidy`, with gaps filled where wished."""
        linked = self._linker.finish()
        self._tracks, renumbered = tidied(
            linked.tracks,
            self._image.shape[0],
            shortest=shortest,
            daughter=daughter,
            left=self._left(linked),
        )
        for t, (ids, labels) in linked.labels.items():
            of = np.zeros(self._taken[t] + 1, np.uint32)
            of[ids] = renumbered[labels]
            self._track_of[t] = of
        if fill:
            self._fill()

    def _left(self, linked: Linked) -> set[int]:
        """Labels of the tracks that ended at the image's border."""
        end = np.array([0, *(track.end for track in linked.tracks)])
        left: set[int] = set()
        for t, (_, labels) in linked.labels.items():
            left.update(labels[self._touching(t) & (end[labels] == t)].tolist())
        return left

    def _touching(self, t: int) -> NDArray[np.bool_]:
        """Which objects of a frame touch the image's border."""
        y0, x0, y1, x1 = (self._columns[t][name] for name in _BOX)
        height, width = self._image.shape[3:]
        rim: NDArray[np.bool_] = (y0 <= 0) | (x0 <= 0) | (y1 >= height) | (x1 >= width)
        return rim

    def _fill(self) -> None:
        """Put cells into gaps, in frames that were lost too."""
        made: dict[int, list[Filling]] = {}
        store = self._canvas.data
        for gap in _gaps(self._columns, self._track_of):
            for filling in fill(store, gap, self._taken):
                made.setdefault(filling.t, []).append(filling)
        for t, fillings in made.items():
            old = self._track_of.get(t, np.zeros(1, np.uint32))
            tracks = np.array([one.track for one in fillings], np.uint32)
            self._track_of[t] = np.concatenate([old, tracks])
            self._columns[t] = _with(self._columns.get(t), fillings, len(old))

    def lineage(self, size: PixelSize | None, interval: float | None) -> Lineage:
        """The lineage, with pixels of this size and frames so many seconds apart."""
        times, _, _, height, width = self._image.shape
        columns = [self._spots(t) for t in sorted(self._columns)]
        spots = Spots(*(np.concatenate(column) for column in zip(*columns, strict=True)))
        lost = tuple(sorted(self.reasons))
        return Lineage(self._tracks, spots, (times, height, width), size, interval, lost)

    def _spots(self, t: int) -> tuple[NDArray[Any], ...]:
        columns = self._columns[t]
        label, order = self._followed(t)
        filled = columns.get("filled", np.zeros(len(label), bool))
        return (
            np.full(len(order), t, np.int32),
            label[order].astype(np.int32),
            columns["centroid-0"][order].astype(np.float64),
            columns["centroid-1"][order].astype(np.float64),
            columns["area"][order].astype(np.float64),
            filled[order],
        )

    def _followed(self, t: int) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
        """The track of each row of a frame, and the rows that have one, in order of it."""
        label = self._track_of[t][self._columns[t]["label"]]
        order = np.argsort(label, kind="stable")
        return label, order[label[order] > 0]

    def labels(self) -> Stack:
        """The labels of tracks, (t, z, y, x)."""
        data = self._canvas.data
        for t, of in self._track_of.items():
            data[t, 0] = of[np.asarray(data[t, 0])]
        self._canvas.count = len(self._tracks)
        return self._canvas.finish()

    def rim(self) -> NDArray[np.bool_]:
        """For each spot of the lineage whether it touches the image's border."""
        found = [np.zeros(0, bool)]
        for t in sorted(self._columns):
            found.append(self._touching(t)[self._followed(t)[1]])
        return np.concatenate(found)

    def table(self, size: PixelSize | None, channels: tuple[str, ...]) -> pa.Table:
        """The measurements, a row for each cell and frame, labelled by track.

        ``channels`` are the names of those that were measured, empty where they have none.
        """
        image = self._image
        measured = len(self._lit) // len(INTENSITY)
        tables = [schema(measured, channels).empty_table()]
        for t in sorted(self._columns):
            label, order = self._followed(t)
            # Of a lost frame there is but what was put into gaps.
            unknown = np.full(len(label), np.nan)
            rows = {n: self._columns[t].get(n, unknown)[order] for n in (*SHAPE, *self._lit)}
            rows = {"label": label[order].astype(np.int64), **rows}
            tables.append(
                to_table(
                    rows,
                    image=image.name,
                    t=t,
                    z=0,
                    channels=channels,
                    pixel_size=size,
                )
            )
        return pa.concat_tables(tables)

    def notes(self) -> list[str]:
        """What the first frames that had something to say of themselves said."""
        said = list(dict.fromkeys(self._remarks))
        more = len(said) - _HEARD
        return said if more <= 0 else [*said[:_HEARD], f"the same goes for {more} more"]

    def _brightness(self, columns: Columns) -> NDArray[np.float64] | None:
        """Of each object, above the darkest pixel of any: that is near the background."""
        if self._bright is None or not len(columns["label"]):
            return None
        mean = columns[f"{INTENSITY[0]}-{self._bright}"]
        darkest = np.nanmin(columns[f"{INTENSITY[1]}-{self._bright}"], initial=np.inf)
        if not np.isfinite(mean).all() or not np.isfinite(darkest):
            return None
        return np.asarray(mean - darkest, np.float64)


def _moved(partial: Partial, count: int) -> Columns:
    """The columns of a part in coordinates of the frame, its labels after the first ``count``."""
    columns = dict(partial.columns)
    columns["label"] = columns["label"].astype(np.int64) + count
    for names, offset in (
        (("bbox-0", "bbox-2", "centroid-0"), partial.box.y0),
        (("bbox-1", "bbox-3", "centroid-1"), partial.box.x0),
    ):
        for name in names:
            columns[name] = columns[name] + offset
    return columns


def _gaps(columns: dict[int, Columns], track_of: dict[int, NDArray[np.uint32]]) -> Iterator[Gap]:
    """The gaps of all tracks, in order of the frame that they end in."""
    count = 1 + max((int(of.max(initial=0)) for of in track_of.values()), default=0)
    frame, place = np.full(count, -1), np.zeros(count, np.intp)  # where each track was seen last
    for t in sorted(columns):
        own = columns[t]
        tracks = track_of[t][own["label"]]
        before = frame[tracks]
        for row in np.flatnonzero((tracks > 0) & (before >= 0) & (before < t - 1)).tolist():
            track, seen = int(tracks[row]), int(before[row])
            yield Gap(track, _sight(seen, columns[seen], int(place[track])), _sight(t, own, row))
        frame[tracks], place[tracks] = t, np.arange(len(tracks))


def _sight(t: int, columns: Columns, row: int) -> Sight:
    y0, x0, y1, x1 = (int(columns[name][row]) for name in _BOX)
    centre = float(columns["centroid-0"][row]), float(columns["centroid-1"][row])
    return Sight(t, int(columns["label"][row]), centre, (y0, x0, y1, x1))


def _with(columns: Columns | None, fillings: Sequence[Filling], first: int) -> Columns:
    """The columns with rows for what was put into gaps, labelled from ``first`` on."""
    count = len(fillings)
    added: Columns = {
        "label": np.arange(first, first + count),
        "area": np.array([one.area for one in fillings], np.float64),
        "centroid-0": np.array([one.y for one in fillings]),
        "centroid-1": np.array([one.x for one in fillings]),
    }
    for n, name in enumerate(_BOX):
        added[name] = np.array([one.box[n] for one in fillings])
    filled = np.ones(count, bool)
    if columns is None:
        return {**added, "filled": filled}
    rows = len(columns["label"])
    whole = {
        name: np.concatenate([values, added.get(name, np.full(count, np.nan))])
        for name, values in columns.items()
    }
    whole["filled"] = np.concatenate([np.zeros(rows, bool), filled])
    return whole
