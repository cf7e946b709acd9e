"""Where the tracks of a lineage tree stand: each in a column, so that no lines cross."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..lineage import Lineage

#: Frames, as a share of the movie, that are left free between two tracks in one column.
_BETWEEN = 1 / 25


@dataclass(frozen=True, slots=True)
class Block:
    """Tracks that are drawn together: a family with divisions, or single tracks one below another.

    ``columns`` has the column of each label; there are ``width`` columns, the first is ``left``.
    ``family`` says whether the tracks are of one family with divisions.
    """

    columns: dict[int, float]
    width: int
    family: bool
    left: int = 0

    def moved(self, by: int) -> Block:
        """The block ``by`` columns further right."""
        columns = {label: column + by for label, column in self.columns.items()}
        return replace(self, columns=columns, left=self.left + by)


def blocks(lineage: Lineage) -> list[Block]:
    """The blocks of a lineage: families with divisions, the largest first, then the other tracks.

    A track that is not divided has a column of its own while it lasts; one that is divided stands
    in the middle above its first and last daughter. So the daughters of a division lie on both
    sides of their mother, and the lines of a family never cross. Tracks that go on under another
    label keep their column. Families without any division share columns where they do not meet in
    time.
    """
    members: dict[int, list[int]] = {}
    order = sorted(lineage.tracks, key=lambda track: (track.begin, track.label))
    for track in order:
        members.setdefault(lineage.founders[track.label], []).append(track.label)
    # As in `Lineage.founders`, who is not seen before its daughters is not their mother.
    daughters: dict[int, list[int]] = {}
    for track in order:
        if lineage.founders[track.label] != track.label:
            daughters.setdefault(track.parent, []).append(track.label)
    divided = {lineage.founders[mother] for mother, own in daughters.items() if len(own) > 1}
    families = [_family(founder, members[founder], daughters) for founder in divided]
    families.sort(key=lambda block: (-block.width, min(block.columns)))
    return families + _packed(
        lineage, [labels for founder, labels in members.items() if founder not in divided]
    )


def rows(found: Iterable[Block], width: int) -> list[list[Block]]:
    """``found`` side by side in rows of ``width`` columns, those wider in rows of their own.

    Between families, and before what follows them, a column is left free.
    """
    made: list[list[Block]] = []
    filled = 0
    for block in found:
        free = 1 if made and made[-1][-1].family else 0
        if not made or filled + free + block.width > width:
            made.append([])
            filled = free = 0
        made[-1].append(block.moved(filled + free))
        filled += free + block.width
    return made


def _family(founder: int, labels: list[int], daughters: dict[int, list[int]]) -> Block:
    """A column for each of ``labels``, which are in order of time."""
    columns: dict[int, float] = {}
    width = 0
    waiting = [founder]
    while waiting:
        label = waiting.pop()
        below = daughters.get(label)
        if below:
            waiting.extend(sorted(below, reverse=True))
        else:
            columns[label] = width
            width += 1
    for label in reversed(labels):
        if label in daughters:
            below = sorted(daughters[label])
            columns[label] = (columns[below[0]] + columns[below[-1]]) / 2
    return Block(columns, width, family=True)


def _packed(lineage: Lineage, families: list[list[int]]) -> list[Block]:
    """Families without divisions, in order of time, in as few columns as they need."""
    between = int(np.ceil(_BETWEEN * lineage.shape[0]))
    made: list[Block] = []
    free: list[tuple[int, int]] = []  # the last frame of each column, and the column
    for labels in families:
        first, last = lineage.by_label[labels[0]].begin, lineage.by_label[labels[-1]].end
        if free and free[0][0] + between < first:
            _, place = heapq.heappop(free)
        else:
            place = len(made)
            made.append(Block({}, 1, family=False))
        made[place].columns.update(dict.fromkeys(labels, 0.0))
        heapq.heappush(free, (last, place))
    return made
