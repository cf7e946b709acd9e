"""What a linker should answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytomill.tracks.linking.detections import Detections


@dataclass(frozen=True)
class Answer:
    """The row before of each detection, -1 for none; whether by division; and the divisions."""

    origin: NDArray[np.intp]
    born: NDArray[np.bool_]
    divisions: frozenset[tuple[int, int, int]]


def answer(before: Detections, after: Detections, parents: dict[int, int]) -> Answer:
    """What of ``after`` came from what of ``before``.

    A daughter whose sister was missed goes on as her mother. Divisions are (mother, daughter,
    daughter), in both orders of daughters.
    """
    row = {int(label): k for k, label in enumerate(before.ids) if label > 0}
    origin, born = np.full(len(after), -1), np.zeros(len(after), bool)
    families: dict[int, list[int]] = {}
    for k, label in enumerate(after.ids.tolist()):
        if label in row:
            origin[k] = row[label]
        elif (ancestor := _ancestor(label, row, parents)) is not None:
            families.setdefault(row[ancestor], []).append(k)
    divisions = set()
    for mother, daughters in families.items():
        if len(daughters) == 1:
            origin[daughters[0]] = mother
        elif len(daughters) == 2:
            origin[daughters], born[daughters] = mother, True
            divisions |= {(mother, *daughters), (mother, *daughters[::-1])}
    return Answer(origin, born, frozenset(divisions))


def _ancestor(label: int, row: dict[int, int], parents: dict[int, int]) -> int | None:
    """The mother or grandmother that was there before: frames may have been left out."""
    for _ in range(2):
        label = parents.get(label, 0)
        if label in row:
            return label
    return None
