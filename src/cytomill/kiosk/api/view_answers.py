"""Putting together what is told of an image that is looked at."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...image.core import AXES, Image
from ..view.columns import Table
from ..view.look import Look
from ..view.rows import Measurements
from ..view.units import unit_of
from ..view.views import Views
from .image_answers import FaultAnswer, ShapeAnswer
from .view_schemas import (
    ImageView,
    TrackAnswer,
    TracksAnswer,
)

#: Bytes that an answer has at most, and those that a value takes as text, with room to spare.
_MOST, _VALUE = 1_000_000, 14


def described(views: Views, measurements: Measurements, look: Look) -> ImageView:
    """What is told of an image; of one that cannot be shown, by its labels."""
    pyramid = look.image or look.labels
    image = pyramid.image if pyramid else None
    target, number = look.item.target, look.number
    record = target.record
    progress = views.progress(look)
    columns = measurements.columns(target, number)
    tracks = measurements.tracks(target, number)[1]
    rows = measurements.count(target, number)
    count: int | None = None
    if record is not None:
        count = record.objects if record.images <= 1 else len(tracks) or rows or None
    return ImageView.model_validate(
        {
            "name": look.name,
            "axes": image.axes if image else "",
            "shape": _shape(image),
            "dtype": look.image.dtype.name if look.image else None,
            "pixel_size": image.pixel_size if image else None,
            "interval": image.interval if image else None,
            "rgb": look.image.image.rgb if look.image else False,
            "channels": views.channels(look),
            "levels": pyramid.geometry.levels if pyramid else [],
            "ready": progress == 1,
            "progress": progress,
            "labels": {"dtype": look.labels.dtype.name, "count": count} if look.labels else None,
            "tracks": len(tracks) > 0,
            "rows": rows,
            "columns": [
                {
                    "name": column.name,
                    "unit": unit_of(column.name),
                    "kind": "text" if column.text else "number",
                    "min": least,
                    "max": greatest,
                }
                for column, least, greatest in columns
            ],
            "error": _fault(look.fault) if look.fault else None,
        },
        from_attributes=True,
    )


def page(
    table: Table,
    names: list[str],
    rows: NDArray[Any],
    after: int,
    limit: int,
    place: int | None = None,
) -> bytes:
    """``rows`` from the one numbered ``after`` on as JSON: as many as are asked for, and fit."""
    fitting = _fitting(names, limit)
    while True:
        shown = rows[after : after + fitting]
        end = after + len(shown)
        following = end if end < len(rows) else None
        data = _told(table, names, shown, len(rows), following, place)
        if len(data) <= _MOST or fitting == 1:
            return data
        fitting //= 2


def sampled(table: Table, names: list[str], rows: NDArray[Any], count: int) -> bytes:
    """``count`` of ``rows`` at even distances as JSON; fewer where those do not fit."""
    fitting = _fitting(names, min(count, len(rows)))
    while True:
        evenly = np.arange(min(fitting, len(rows))) * len(rows) // fitting
        data = _told(table, names, rows[evenly], len(rows), None)
        if len(data) <= _MOST or fitting == 1:
            return data
        fitting //= 2


def _fitting(names: list[str], rows: int) -> int:
    """Of so many rows with these columns those that are likely to fit into an answer."""
    return max(1, min(rows, _MOST // (_VALUE * max(1, len(names)))))


def _told(
    table: Table,
    names: list[str],
    shown: NDArray[Any],
    total: int,
    following: int | None,
    place: int | None = None,
) -> bytes:
    columns = {name: table.columns[name].told(shown) for name in names}
    told = {"columns": columns, "rows": total, "next": following, "place": place}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def tracks_page(table: Table, rows: NDArray[Any], after: int, limit: int) -> TracksAnswer:
    """Tracks from the one numbered ``after`` on, in order of label."""
    if not len(rows):
        return TracksAnswer(tracks=[], next=None)
    labels, parents = (table.columns[name].values()[rows] for name in ("track", "parent"))
    order = np.argsort(parents, kind="stable")
    shown = rows[after : after + limit]
    columns = {
        name: table.columns[name].told(shown)
        for name in ("track", "first_frame", "last_frame", "parent", "generation", "founder")
    }
    first = np.searchsorted(parents[order], columns["track"])
    last = np.searchsorted(parents[order], columns["track"], "right")
    tracks = [
        TrackAnswer(
            label=label,
            start=start,
            end=end,
            parent=parent,
            children=labels[order[low:high]].astype(int).tolist(),
            generation=generation,
            founder=founder,
        )
        for label, start, end, parent, generation, founder, low, high in zip(
            *columns.values(), first, last, strict=True
        )
    ]
    end = after + len(shown)
    return TracksAnswer(tracks=tracks, next=end if end < len(rows) else None)


def _shape(image: Image | None) -> ShapeAnswer:
    lengths = image.shape if image else (0,) * len(AXES)
    return ShapeAnswer(**{a.lower(): n for a, n in zip(AXES, lengths, strict=True)})


def _fault(error: Exception) -> FaultAnswer:
    if isinstance(error, InputError):
        return FaultAnswer(fault=error.fault, advice=error.advice)
    return FaultAnswer(fault=str(error), advice="")
