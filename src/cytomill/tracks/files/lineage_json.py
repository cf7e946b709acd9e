"""The ``lineage.json`` of DeepCell and its Kiosk: for each track its frames, parent and daughters.

The file is an object by label, and each of its keys is a number, as deepcell-tracking wants:
``{"1": {"label": 1, "frames": [0, 1], "daughters": [2, 3], "capped": true, "frame_div": 2,
"parent": null}, …}``. ``frame_div`` is the first frame of the first daughter, ``capped`` whether
there is one. Each track also has its ``generation``, its ``founder`` and the frames in which it
was ``filled``, which DeepCell ignores. What is true of the whole movie is kept with the labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, RootModel, ValidationError

from ...errors import InputError
from ...image.checks import reading
from ...image.core import PixelSize
from ...ops.track import Track
from ..lineage import Lineage, Spots
from .graph import by_track
from .stack import Labels

_Frame = Annotated[int, Field(ge=0, strict=True)]
_Label = Annotated[int, Field(ge=1, lt=2**31, strict=True)]

_ADVICE = "give a lineage.json as of Cytomill, the Kiosk or deepcell-tracking"


class _Entry(BaseModel):
    """A track as the file has it; of a file by others, ``filled`` is empty."""

    label: _Label
    frames: Annotated[list[_Frame], Field(min_length=1)]
    daughters: list[_Label] = []
    parent: _Label | None = None
    filled: list[_Frame] = []


class _File(RootModel[dict[str, _Entry]]):
    """The whole file."""


def write_lineage(path: Path, lineage: Lineage) -> None:
    """Write ``lineage`` to ``path`` as ASCII, a line for each track in order of label."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(lines(lineage))


def lines(lineage: Lineage) -> Iterator[str]:
    """The text of the file, a track at a time."""
    spots = lineage.spots
    order, first = by_track(spots)
    ends = np.append(first[1:], len(order))
    separator = "{\n"
    for index, track in enumerate(lineage.tracks):
        rows = order[first[index] : ends[index]]
        daughters = lineage.daughters.get(track.label, ())
        entry = {
            "label": track.label,
            "frames": spots.t[rows].tolist(),
            "daughters": list(daughters),
            "capped": bool(daughters),
            "frame_div": min((lineage.by_label[own].begin for own in daughters), default=None),
            "parent": track.parent or None,
            "founder": lineage.founders[track.label],
            "generation": lineage.generations[track.label],
            "filled": spots.t[rows[spots.filled[rows]]].tolist(),
        }
        yield f'{separator}"{track.label}": {json.dumps(entry)}'
        separator = ",\n"
    yield "\n}\n" if lineage.tracks else "{}\n"


def read_lineage(
    path: Path,
    labels: Labels,
    *,
    pixel_size: PixelSize | None = None,
    interval: float | None = None,
    lost: tuple[int, ...] = (),
) -> Lineage:
    """The lineage of a ``lineage.json`` and the ``labels`` that belong to it, read frame by frame.

    Files of the Kiosk and of deepcell-tracking do too. The file does not say how large pixels are,
    how long a frame takes and which frames were ``lost``. Raises `InputError` where the file is
    damaged, or does not agree with the labels.
    """
    with reading(path):
        text = path.read_bytes()
    return parse(path, text, labels, pixel_size=pixel_size, interval=interval, lost=lost)


def parse(
    path: Path,
    text: bytes,
    labels: Labels,
    *,
    pixel_size: PixelSize | None = None,
    interval: float | None = None,
    lost: tuple[int, ...] = (),
) -> Lineage:
    """As `read_lineage`, of the ``text`` of a file; errors are about ``path``."""
    try:
        entries = _File.model_validate_json(text).root
    except ValidationError as error:
        first = error.errors()[0]
        place = " ".join(str(part) for part in first["loc"])
        fault = f"{place}: {first['msg']}" if place else first["msg"]
        raise InputError(path, f"is no lineage ({fault})", _ADVICE) from error
    by_label = {entry.label: entry for entry in entries.values()}
    if len(by_label) < len(entries):
        raise InputError(path, "has two tracks of one label", _ADVICE)
    tracks = tuple(_track(path, by_label[label], by_label) for label in sorted(by_label))
    spots = Spots.of(_rows(path, labels, by_label))
    frames, _, height, width = labels.shape
    return Lineage(tracks, spots, (frames, height, width), pixel_size, interval, lost)


def _track(path: Path, entry: _Entry, by_label: Mapping[int, _Entry]) -> Track:
    begin, end = min(entry.frames), max(entry.frames)
    if entry.parent is not None:
        parent = by_label.get(entry.parent)
        if parent is None or max(parent.frames) >= begin:
            fault = "has no entry" if parent is None else "does not end before it begins"
            raise InputError(
                path, f"the parent {entry.parent} of track {entry.label} {fault}", _ADVICE
            )
    return Track(entry.label, begin, end, entry.parent or 0)


def _rows(path: Path, labels: Labels, by_label: Mapping[int, _Entry]) -> Iterator[tuple[Any, ...]]:
    """A row of `Spots` for each track and frame of it; `InputError` unless the labels agree."""
    frames: dict[int, set[int]] = {}
    for entry in by_label.values():
        for t in entry.frames:
            frames.setdefault(t, set()).add(entry.label)
    filled = {(t, entry.label) for entry in by_label.values() for t in entry.filled}
    for t in range(labels.shape[0]):
        wanted = frames.pop(t, set())
        found = _centres(labels[t, 0])
        odd = min(wanted ^ set(found), default=None)
        if odd is not None:
            where = "the labels" if odd in wanted else "the file"
            raise InputError(
                path,
                f"track {odd} is not in frame {t} of {where}",
                "give the labels that were written with it",
            )
        for label, (y, x, area) in found.items():
            yield t, label, y, x, area, (t, label) in filled
    if frames:
        raise InputError(
            path,
            f"has frame {max(frames)}, but the labels have {labels.shape[0]} frames",
            "give the labels that were written with it",
        )


def _centres(frame: Any) -> dict[int, tuple[float, float, float]]:
    """Centre (y, x) and area in pixels of each label of a frame (y, x)."""
    ys, xs = np.nonzero(frame)
    ids, index, areas = np.unique(frame[ys, xs], return_inverse=True, return_counts=True)
    y = np.bincount(index, ys, len(ids)) / areas
    x = np.bincount(index, xs, len(ids)) / areas
    rows = zip(y.tolist(), x.tolist(), areas.astype(float).tolist(), strict=True)
    return dict(zip(ids.tolist(), rows, strict=True))
