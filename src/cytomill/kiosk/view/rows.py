"""Measurements and tracks of items, page by page; tables are kept on this machine for a while."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...batch.steps import MEASUREMENTS
from ...errors import OptionError, TemporaryError
from ...jobs.bucket import Bucket
from ..cache import own_folder
from ..record import opened
from .columns import Column, Table, among, equal, rows_of, within, write
from .target import Target

#: Tables that are kept, and the bytes of them on disk.
_TABLES, _BYTES = 32, 2**32

#: Seconds after which tables that nobody looks at are removed: their job may have been deleted.
_IDLE = 3600.0

#: Orders of rows that are kept of a table: someone reads on where the page before ended.
_ORDERS = 4

#: The table of a row per track, and what is told of it.
_TRACKS = "tracks"
_TRACK = ("track", "first_frame", "last_frame", "parent", "generation", "founder")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows, in which order: None is any, and the order of the file.

    ``labels`` are any where there are none; ``ranges`` are columns with the least and the greatest
    value, and must all hold.
    """

    sort: str | None = None
    descending: bool = False
    t: int | None = None
    z: int | None = None
    labels: tuple[int, ...] = ()
    ranges: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell whose row is looked for: in any plane where that is None."""

    label: int
    t: int | None = None
    z: int | None = None


@dataclass(slots=True)
class Kept:
    """The tables of an item on disk."""

    folder: Path
    measurements: Table
    tracks: Table
    used: float = 0.0
    orders: OrderedDict[Hashable, NDArray[np.int32]] = field(default_factory=OrderedDict)
    limits: dict[Hashable, tuple[float | None, float | None]] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Of its files."""
        return self.measurements.bytes + self.tracks.bytes


class Measurements:
    """The tables of items that are looked at, kept below the folder ``top``.

    Safe to use from several threads.
    """

    def __init__(self, bucket: Bucket, top: Path) -> None:
        self._bucket, self._top = bucket, top
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._lock_file = -1
        self._kept: OrderedDict[Hashable, Future[Kept]] = OrderedDict()

    def columns(
        self, target: Target, number: int
    ) -> list[tuple[Column, float | None, float | None]]:
        """The columns of an image of an item, with the least and the greatest of each."""
        kept = self._of(target)
        found = []
        rows: NDArray[Any] | None = None
        for column in kept.measurements.columns.values():
            if column.name == "image":
                continue
            key = (number, column.name)
            if key not in kept.limits:
                rows = self._rows(kept.measurements, target, number) if rows is None else rows
                kept.limits[key] = column.limits(rows)
            found.append((column, *kept.limits[key]))
        return found

    def count(self, target: Target, number: int) -> int:
        """The rows of an image."""
        return len(self._rows(self._of(target).measurements, target, number))

    def rows(self, target: Target, number: int, wanted: Wanted) -> tuple[Table, NDArray[Any]]:
        """The table of an item, and the rows of an image of it that are wanted, in order.

        Raises `OptionError` for a column that is not there.
        """
        kept = self._of(target)
        table = kept.measurements
        check(table, [name for name, _, _ in wanted.ranges])
        if wanted.sort is not None:
            check(table, [wanted.sort])
        key = (number, wanted)
        with self._lock:
            found = kept.orders.get(key)
            if found is not None:
                kept.orders.move_to_end(key)
                return table, found
        places = (("t", wanted.t), ("z", wanted.z))
        found = equal(table, self._rows(table, target, number), places)
        if wanted.labels:
            found = among(table, found, "label", wanted.labels)
        found = within(table, found, wanted.ranges)
        if wanted.sort is not None:
            found = table.columns[wanted.sort].order(found, wanted.descending)
        with self._lock:
            kept.orders[key] = found
            while len(kept.orders) > _ORDERS:
                kept.orders.popitem(last=False)
        return table, found

    def tracks(self, target: Target, number: int) -> tuple[Table, NDArray[Any]]:
        """The table of tracks of an item, and the rows of an image of it, in order of label."""
        table = self._of(target).tracks
        return table, self._rows(table, target, number)

    def sweep(self) -> None:
        """Remove the tables that nobody has looked at for long."""
        with self._lock:
            self._make_room()

    def close(self) -> None:
        """Remove all tables."""
        with self._lock:
            self._kept.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                os.close(self._lock_file)
                self._folder = None

    def _rows(self, table: Table, target: Target, number: int) -> NDArray[Any]:
        several = target.record is not None and target.record.images > 1
        return rows_of(table, f"{target.item.name}#{number}" if several else None)

    def _of(self, target: Target) -> Kept:
        """The tables of an item, written where they are not there: once, for all who ask."""
        key = target.key
        with self._lock:
            found = self._kept.get(key)
            own: Future[Kept] | None = None
            if found is None:
                own = found = self._kept[key] = Future()
            self._kept.move_to_end(key)
        if own is None:
            kept = found.result()
            kept.used = time.monotonic()
            return kept
        try:
            with self._lock:
                folder = self._own() / "-".join(map(str, key))
            own.set_result(_written(self._bucket, target, folder))
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            own.set_exception(error)
            raise
        with self._lock:
            self._make_room()
        return own.result()

    def _own(self) -> Path:
        """This process's folder, made when it is needed; under the lock."""
        if self._folder is None:
            self._folder, self._lock_file = own_folder(self._top)
        return self._folder

    def _make_room(self) -> None:
        """Remove what was longest unused and is too much; under the lock."""
        done = {key: one.result() for key, one in self._kept.items() if one.done()}
        count, total = len(done), sum(one.bytes for one in done.values())
        oldest = time.monotonic() - _IDLE
        for key, kept in done.items():
            fits = count == 1 or (count <= _TABLES and total <= _BYTES)
            if fits and kept.used >= oldest:
                return
            del self._kept[key]
            # Who is about to read it is told to ask again.
            shutil.rmtree(kept.folder, ignore_errors=True)
            count, total = count - 1, total - kept.bytes


def _written(bucket: Bucket, target: Target, folder: Path) -> Kept:
    """The tables of an item, written to a new ``folder``; empty where it has none."""
    none = Table({}, 0)
    found = Kept(folder, none, none, time.monotonic())
    try:
        shutil.rmtree(folder, ignore_errors=True)
        for name in (MEASUREMENTS, _TRACKS):
            (folder / name).mkdir(parents=True)
        if target.attempt is None:
            return found
        with opened(bucket, target.job.id, target.index, target.attempt) as contents:
            if contents.schema is not None:
                where = folder / MEASUREMENTS
                found.measurements = write(where, contents.schema, contents.rows)
            tracks = contents.tables.get(_TRACKS)
            if tracks is not None and {*_TRACK} <= {*tracks.column_names}:
                kept = [name for name in ("image", *_TRACK) if name in tracks.column_names]
                tracks = tracks.select(kept).sort_by("track")
                found.tracks = write(folder / _TRACKS, tracks.schema, [tracks])
    except OSError as error:
        told = error.strerror or str(error)
        raise TemporaryError(f"the kiosk could not keep a table on its disk: {told}") from error
    return found


def place_of(table: Table, rows: NDArray[Any], cell: Cell) -> int | None:
    """The number of the first of ``rows`` that is of a cell; None where none is."""
    wanted = (("label", cell.label), ("t", cell.t), ("z", cell.z))
    found = equal(table, np.arange(table.rows), wanted)
    places = np.flatnonzero(np.isin(rows, found))
    return int(places[0]) if places.size else None


def check(table: Table, names: list[str]) -> None:
    """Raise `OptionError` for a name that no column has."""
    for name in names:
        if name not in table.columns or name == "image":
            known = ", ".join(one for one in table.columns if one != "image") or "none"
            raise OptionError(f"{name}: there is no such column; the columns are: {known}")
