"""Which rows of measurements a request asks for."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import Depends, Query

from ...errors import OptionError
from ..view.rows import Cell, Wanted

#: Labels and ranges of one request: as many as fit into an address.
_LABELS, _RANGES = 500, 4

_Place = Query(ge=0, le=2**31)
_Label = Annotated[int, Query(ge=0, le=2**32)]


async def _wanted(
    sort: Annotated[str | None, Query(max_length=1000, description="A column to sort by.")] = None,
    descending: Annotated[bool, Query(description="The greatest first.")] = False,
    t: Annotated[int | None, _Place] = None,
    z: Annotated[int | None, _Place] = None,
    label: Annotated[
        list[_Label] | None,
        Query(max_length=_LABELS, description="Only with this label, or one of these."),
    ] = None,
    within: Annotated[
        list[str] | None,
        Query(
            max_length=_RANGES,
            description="`LOW:HIGH:COLUMN`: only with values from LOW to HIGH. All must hold.",
        ),
    ] = None,
) -> Wanted:
    ranges = tuple(_range(one) for one in within or ())
    return Wanted(sort, descending, t, z, tuple(sorted(set(label or ()))), ranges)


async def _found(
    find: Annotated[
        int | None, Query(ge=0, le=2**32, description="A label; `place` says where its row is.")
    ] = None,
    find_t: Annotated[int | None, Query(ge=0, le=2**31, description="Its time.")] = None,
    find_z: Annotated[int | None, Query(ge=0, le=2**31, description="Its depth.")] = None,
) -> Cell | None:
    return None if find is None else Cell(find, find_t, find_z)


#: Rows, and the order they are in.
WantedRows = Annotated[Wanted, Depends(_wanted)]

#: A cell whose row is looked for.
SoughtCell = Annotated[Cell | None, Depends(_found)]


def _range(text: str) -> tuple[str, float, float]:
    low, _, rest = text.partition(":")
    high, _, column = rest.partition(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = math.nan, math.nan
    if not column or math.isnan(sum(ends)):
        raise OptionError(f"{text[:100]}: a range is LOW:HIGH:COLUMN, such as 10:20.5:area")
    return column, *ends
