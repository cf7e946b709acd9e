"""A table on disk, a file for each column: a page of it costs what is on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .errors import NotYetError

#: Significant digits of numbers, as in tables of results.
_DIGITS = 6


@dataclass(slots=True)
class Column:
    """A column in a file: numbers as float64 with NaN for null, texts as int32 with -1 for null."""

    name: str
    path: Path
    text: bool
    whole: bool
    texts: dict[str, int] = field(default_factory=dict)

    def values(self) -> NDArray[Any]:
        """Those of all rows, as the file has them; read when they are used.

        Raises `NotYetError` where the table has been removed.
        """
        kind = np.int32 if self.text else np.float64
        try:
            if not self.path.stat().st_size:
                return np.empty(0, kind)
            return np.memmap(self.path, kind, "r")
        except FileNotFoundError:
            raise NotYetError("the table was put away this moment; ask again") from None

    def order(self, rows: NDArray[Any], descending: bool) -> NDArray[np.int32]:
        """``rows`` sorted by this column, null last; those alike stay in their order."""
        values = self.values()[rows].astype(np.float64)
        if self.text:
            ranks = np.full(len(self.texts) + 1, np.nan)
            ranks[[self.texts[one] for one in sorted(self.texts)]] = range(len(self.texts))
            values = ranks[values.astype(np.int64)]
        found = rows[np.argsort(-values if descending else values, kind="stable")]
        return np.asarray(found, np.int32)

    def told(self, rows: NDArray[Any]) -> list[Any]:
        """The values of ``rows`` as JSON has them; floats to six digits."""
        values = np.asarray(self.values()[rows])
        if self.text:
            texts = [*self.texts, None]
            return [texts[one] for one in values.tolist()]
        unknown = ~np.isfinite(values)
        values = np.where(unknown, 0, values)
        found: list[Any] = values.astype(np.int64).tolist() if self.whole else _rounded(values)
        for row in np.flatnonzero(unknown).tolist():
            found[row] = None
        return found

    def limits(self, rows: NDArray[Any]) -> tuple[float | None, float | None]:
        """The least and the greatest of ``rows``; None of text and where nothing is known."""
        if self.text:
            return None, None
        values = self.values()[rows]
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if values.size else (None, None)


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table on disk, by name, and how many rows they have."""

    columns: dict[str, Column]
    rows: int

    @property
    def bytes(self) -> int:
        """Of its files."""
        return sum(4 * self.rows if one.text else 8 * self.rows for one in self.columns.values())


def write(folder: Path, schema: pa.Schema, pieces: Iterable[pa.Table]) -> Table:
    """Write a table that comes in pieces, in the memory of one; ``folder`` is there and empty."""
    columns, files = [], []
    try:
        for number, one in enumerate(schema):
            number_like = pa.types.is_floating(one.type) or pa.types.is_decimal(one.type)
            whole = pa.types.is_integer(one.type) or pa.types.is_boolean(one.type)
            column = Column(one.name, folder / str(number), not (number_like or whole), whole)
            columns.append(column)
            files.append(column.path.open("wb"))
        rows = 0
        for piece in pieces:
            rows += piece.num_rows
            for column, file, values in zip(columns, files, piece.columns, strict=True):
                _append(column, file, values)
    finally:
        for file in files:
            file.close()
    return Table({one.name: one for one in columns}, rows)


def _append(column: Column, file: BinaryIO, values: pa.ChunkedArray) -> None:
    if column.text:
        codes = [
            -1 if one is None else column.texts.setdefault(str(one), len(column.texts))
            for one in values.to_pylist()
        ]
        file.write(np.array(codes, np.int32).tobytes())
        return
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.uint8())
    numbers = pc.cast(values, pa.float64(), safe=False)
    file.write(numbers.to_numpy().astype(np.float64, copy=False).tobytes())


def _rounded(values: NDArray[np.float64]) -> list[float]:
    """To significant digits, as the nearest number that is written so."""
    with np.errstate(divide="ignore"):
        digits = _DIGITS - 1 - np.floor(np.log10(np.abs(values)))
    digits = np.clip(np.where(np.isfinite(digits), digits, 0), -200, 200).astype(np.int64)
    found = np.where(
        digits >= 0,
        np.rint(values * 10.0 ** np.maximum(digits, 0)) / 10.0 ** np.maximum(digits, 0),
        np.rint(values / 10.0 ** np.maximum(-digits, 0)) * 10.0 ** np.maximum(-digits, 0),
    )
    return found.tolist()  # type: ignore[no-any-return]


def rows_of(table: Table, image: str | None) -> NDArray[np.int32]:
    """The rows of the image of this name; all where that is None."""
    if image is None:
        return np.arange(table.rows, dtype=np.int32)
    column = table.columns.get("image")
    code = column.texts.get(image) if column is not None and column.text else None
    if column is None or code is None:
        return np.empty(0, np.int32)
    return np.flatnonzero(column.values() == code).astype(np.int32)


def equal(
    table: Table, rows: NDArray[Any], wanted: Sequence[tuple[str, int | None]]
) -> NDArray[Any]:
    """Of ``rows`` those whose columns have the values ``wanted``; None for any."""
    for name, value in wanted:
        if value is None:
            continue
        column = table.columns.get(name)
        if column is None or column.text:
            return rows[:0]
        rows = rows[column.values()[rows] == value]
    return rows


def among(table: Table, rows: NDArray[Any], name: str, values: Sequence[int]) -> NDArray[Any]:
    """Of ``rows`` those whose column has one of ``values``."""
    column = table.columns.get(name)
    if column is None or column.text:
        return rows[:0]
    return rows[np.isin(column.values()[rows], values)]


def within(
    table: Table, rows: NDArray[Any], ranges: Sequence[tuple[str, float, float]]
) -> NDArray[Any]:
    """Of ``rows`` those whose columns have values from one to another; texts are in no range."""
    for name, low, high in ranges:
        column = table.columns[name]
        if column.text:
            return rows[:0]
        values = column.values()[rows]
        rows = rows[(values >= low) & (values <= high)]
    return rows
