"""Tables of tracks: a row per track, and columns for the table of a row per cell and frame.

Columns and units are those of docs/tracks-files.md. Lengths are in pixels and times in frames;
columns whose names end in a unit are null where the pixel size or the interval is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..lineage import Lineage
from .graph import by_track, of_spots

_HOUR = 3600.0

#: The columns of a row per track.
_TRACK = (
    ("image", pa.string()),
    ("track", pa.uint32()),
    ("parent", pa.uint32()),
    ("founder", pa.uint32()),
    ("generation", pa.int32()),
    ("first_frame", pa.int32()),
    ("last_frame", pa.int32()),
    ("frames", pa.int32()),
    ("filled", pa.int32()),
    ("missing", pa.int32()),
    ("daughters", pa.int32()),
    ("divides", pa.bool_()),
    ("cycle", pa.int32()),
    ("displacement", pa.float64()),
    ("path_length", pa.float64()),
    ("speed_mean", pa.float64()),
    ("speed_max", pa.float64()),
    ("straightness", pa.float64()),
    ("area_mean", pa.float64()),
    ("begins_at_border", pa.bool_()),
    ("ends_at_border", pa.bool_()),
    ("begin_h", pa.float64()),
    ("end_h", pa.float64()),
    ("cycle_h", pa.float64()),
    ("displacement_um", pa.float64()),
    ("path_length_um", pa.float64()),
    ("speed_mean_um_per_h", pa.float64()),
    ("speed_max_um_per_h", pa.float64()),
    ("area_mean_um2", pa.float64()),
)

#: The columns that a row per cell and frame gets besides what is measured.
_SPOT = (
    ("track", pa.uint32()),
    ("parent", pa.uint32()),
    ("generation", pa.int32()),
    ("filled", pa.bool_()),
    ("age", pa.int32()),
    ("speed", pa.float64()),
    ("age_h", pa.float64()),
    ("speed_um_per_h", pa.float64()),
)


def schema() -> pa.Schema:
    """The columns of `track_table`, whatever is known of the movie."""
    return pa.schema(list(_TRACK))


def added() -> pa.Schema:
    """The columns that `with_tracks` adds, whatever is known of the movie."""
    return pa.schema(list(_SPOT))


def track_table(lineage: Lineage, *, image: str, rim: NDArray[np.bool_] | None = None) -> pa.Table:
    """A row for each track, in order of label; the schema is that of `schema`.

    ``image`` names the movie. ``rim`` says of each spot, in order of `Spots`, whether it touches
    the border of the image; without it those columns are null.
    """
    tracks, spots = lineage.tracks, lineage.spots
    order, first = by_track(spots)
    last = np.append(first[1:], len(order))[: len(first)] - 1
    own = lineage.daughters
    count = np.array([len(own.get(track.label, ())) for track in tracks], np.int64)
    generation = np.array([lineage.generations[track.label] for track in tracks], np.int64)
    parent = np.array([track.parent for track in tracks], np.int64)
    begin, end = spots.t[order[first]].astype(int), spots.t[order[last]].astype(int)
    frames, cycle = last - first + 1, _cycles(lineage)
    columns: dict[str, Any] = {
        "image": pa.repeat(pa.scalar(image, pa.string()), len(tracks)),
        "track": spots.label[order[first]],
        "parent": np.ma.masked_equal(parent, 0),
        "founder": np.array([lineage.founders[track.label] for track in tracks], np.int64),
        "generation": generation,
        "first_frame": begin,
        "last_frame": end,
        "frames": frames,
        "filled": _sums(spots.filled[order].astype(int), first),
        "missing": end - begin + 1 - frames,
        "daughters": count,
        "divides": count > 1,
        "cycle": np.ma.masked_less(cycle, 0),
        "area_mean": _sums(spots.area[order], first) / frames,
    }
    columns |= _movement(lineage, order, first, last, (1.0, 1.0))
    if rim is not None:
        columns |= {"begins_at_border": rim[order[first]], "ends_at_border": rim[order[last]]}
    if lineage.interval is not None:
        hours = lineage.interval / _HOUR
        columns |= {"begin_h": begin * hours, "end_h": end * hours}
        columns["cycle_h"] = np.ma.masked_less(cycle, 0) * hours
    if lineage.pixel_size is not None:
        size = lineage.pixel_size.y, lineage.pixel_size.x
        moved = _movement(lineage, order, first, last, size)
        columns["straightness"] = moved["straightness"]
        columns |= {f"{name}_um": moved[name] for name in ("displacement", "path_length")}
        columns["area_mean_um2"] = columns["area_mean"] * (size[0] * size[1])
        if lineage.interval is not None:
            columns |= {
                f"{name}_um_per_h": moved[name] * (_HOUR / lineage.interval)
                for name in ("speed_mean", "speed_max")
            }
    return pa.table([_column(columns.get(f.name), f, len(tracks)) for f in schema()], schema())


def with_tracks(measurements: pa.Table, lineage: Lineage) -> pa.Table:
    """``measurements`` with the columns of `added`, null where a row is of no spot.

    Rows are those of `ops.table.to_table`, whose label is that of the track. ``age`` are frames
    since the division that the cell came from, null where that was not seen; ``speed`` is that
    since the spot before, null for the first of a track.
    """
    spots = lineage.spots
    row, missing = _rows(measurements, lineage)
    parent = of_spots(lineage, {track.label: track.parent for track in lineage.tracks})
    age = spots.t - of_spots(lineage, _births(lineage))
    unseen = of_spots(lineage, lineage.generations) == 0
    columns: dict[str, Any] = {
        "track": spots.label,
        "parent": np.ma.masked_equal(parent, 0),
        "generation": of_spots(lineage, lineage.generations),
        "filled": spots.filled,
        "age": np.ma.masked_array(age, unseen),
        "speed": _speeds(lineage, (1.0, 1.0)),
    }
    if lineage.interval is not None:
        columns["age_h"] = np.ma.masked_array(age * (lineage.interval / _HOUR), unseen)
        if lineage.pixel_size is not None:
            size = lineage.pixel_size.y, lineage.pixel_size.x
            columns["speed_um_per_h"] = _speeds(lineage, size) * (_HOUR / lineage.interval)
    found = measurements
    for field in added():
        values = columns.get(field.name)
        if values is not None and len(spots):
            values = np.ma.masked_array(np.ma.asarray(values)[row])
            values = np.ma.masked_array(values.data, np.ma.getmaskarray(values) | missing)
        else:
            values = None
        found = found.append_column(field, _column(values, field, measurements.num_rows))
    return found


def _rows(measurements: pa.Table, lineage: Lineage) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each row of a table its row of `Spots`, and which have none."""
    spots = lineage.spots
    keys = _keys(spots.t, spots.label)
    wanted = _keys(measurements["t"].to_numpy(), measurements["label"].to_numpy())
    row = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    missing = keys[row] != wanted if len(keys) else np.ones(len(wanted), bool)
    return row, missing


def _keys(t: NDArray[Any], label: NDArray[Any]) -> NDArray[np.int64]:
    return t.astype(np.int64) << 32 | label.astype(np.int64)


def _births(lineage: Lineage) -> dict[int, int]:
    """For each track the first frame of the cell: that of the track that its division began."""
    found: dict[int, int] = {}
    for track in sorted(lineage.tracks, key=lambda one: (one.begin, one.label)):
        alone = len(lineage.daughters.get(track.parent, ())) == 1
        found[track.label] = found[track.parent] if alone else track.begin
    return found


def _cycles(lineage: Lineage) -> NDArray[np.int64]:
    """For each track the frames from the division it came from to its own, -1 where one lacks."""
    births = _births(lineage)
    return np.array(
        [
            min(lineage.by_label[own].begin for own in lineage.daughters[track.label])
            - births[track.label]
            if len(lineage.daughters.get(track.label, ())) > 1
            and lineage.generations[track.label] > 0
            else -1
            for track in lineage.tracks
        ],
        np.int64,
    )


def _speeds(lineage: Lineage, size: tuple[float, float]) -> NDArray[np.float64]:
    """For each spot the speed since the one before of its track, NaN for the first."""
    order, first = by_track(lineage.spots)
    length, frames = _steps(lineage, order, first, size)
    speeds = np.empty(len(order))
    with np.errstate(invalid="ignore"):
        speeds[order] = length / frames
    return speeds


def _steps(
    lineage: Lineage,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    size: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How far each spot is from the one before in ``order``, and how long after: 0, 0 for first."""
    spots = lineage.spots
    y, x, t = (column[order] for column in (spots.y, spots.x, spots.t.astype(np.int64)))
    dy, dx = np.diff(y, prepend=y[:1]) * size[0], np.diff(x, prepend=x[:1]) * size[1]
    length, frames = np.hypot(dy, dx), np.diff(t, prepend=t[:1])
    length[first] = frames[first] = 0
    return length, frames


def _movement(
    lineage: Lineage,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    size: tuple[float, float],
) -> dict[str, NDArray[np.float64]]:
    """How far and how fast each track went, in pixels of ``size`` and frames; NaN for no move."""
    spots = lineage.spots
    a, b = order[first], order[last]
    displacement = np.hypot(
        (spots.y[b] - spots.y[a]) * size[0], (spots.x[b] - spots.x[a]) * size[1]
    )
    length, frames = _steps(lineage, order, first, size)
    path = _sums(length, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        speeds = np.where(frames > 0, length / frames, -1.0)
        fastest = np.maximum.reduceat(speeds, first) if len(first) else path
        return {
            "displacement": displacement,
            "path_length": path,
            "speed_mean": path / _sums(frames, first),
            "speed_max": np.where(fastest < 0, np.nan, fastest),
            "straightness": displacement / path,
        }


def _sums(values: NDArray[Any], first: NDArray[np.int64]) -> NDArray[Any]:
    """The sum of the values of each track."""
    return np.add.reduceat(values, first) if len(first) else values[:0]


def _column(values: Any, field: pa.Field, count: int) -> pa.Array:
    """Values as a column: None, NaN and what is masked are null."""
    if values is None:
        return pa.nulls(count, field.type)
    if isinstance(values, pa.Array):
        return values
    mask = np.ma.getmaskarray(values) | (np.ma.getdata(values) != np.ma.getdata(values))
    return pa.array(np.ma.getdata(values), mask=mask).cast(field.type)
