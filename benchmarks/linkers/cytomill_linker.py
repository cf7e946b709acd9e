"""Ours, as it is shipped, with the same setting on every movie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cytomill.tracks.linking.detections import Detections
from cytomill.tracks.linking.link import Linked, Linker, Linking
from cytomill.tracks.linking.network import shipped

from .movie import COLUMNS, Movie, Told

GRID: Sequence[dict[str, Any]] = ({},)


def prepare(movie: Movie) -> list[Detections]:
    shipped()
    shape = movie.shape[1], movie.shape[2]
    return [
        Detections(t, *(movie.columns[name][rows] for name in COLUMNS[1:]), shape)
        for t, rows in movie.frames
    ]


def link(prepared: list[Detections], setting: dict[str, Any]) -> Linked:
    return linked(prepared, Linking())


def linked(prepared: list[Detections], how: Linking) -> Linked:
    linker = Linker(how)
    for found in prepared:
        linker.add(found)
    return linker.finish()


def told(movie: Movie, found: Linked) -> Told:
    track = np.concatenate([found.labels[t][1] for t, _ in movie.frames]).astype(np.intp) - 1
    return track, {one.label - 1: one.parent - 1 for one in found.tracks if one.parent}
