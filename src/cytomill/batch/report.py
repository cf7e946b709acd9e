"""What a run leaves beside the images' own files: the tables and the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ..image.atomic import clear_leftovers, output_error, replacing
from ..models.identity import Identity
from ..pipelines.base import Pipeline
from ..version import __version__
from .journal import Journal, Place, Record
from .outputs import Outputs
from .steps import MEASUREMENTS


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run.

    ``records`` has one record per input, in order, of this and of earlier runs; ``skipped`` are
    the names of those that an earlier run had done. ``manifest`` and ``tables`` are the files
    written, None and empty where none were.
    """

    records: tuple[Record, ...]
    skipped: frozenset[str]
    seconds: float
    manifest: Path | None = None
    tables: tuple[Path, ...] = ()

    @property
    def done(self) -> int:
        """Inputs finished, by this or an earlier run."""
        return sum(record.status == "done" for record in self.records)

    @property
    def failed(self) -> tuple[Record, ...]:
        """Records of the inputs that failed."""
        return tuple(record for record in self.records if record.status == "failed")

    @property
    def objects(self) -> int:
        """Objects found in all inputs."""
        return sum(record.objects for record in self.records)

    @property
    def wire_bytes(self) -> dict[str, int]:
        """Bytes that this run ``sent`` to and ``received`` from a model server."""
        fresh = [r.wire_bytes for r in self.records if r.input not in self.skipped]
        return {way: sum(one.get(way, 0) for one in fresh) for way in ("sent", "received")}


def files(out: Path, suffix: str, tables: Collection[str] = ()) -> list[Path]:
    """Tables and manifest of a run; ``suffix`` is that of its share.

    ``tables`` are those it writes besides the measurements.
    """
    names = [MEASUREMENTS, *tables]
    return [*(path for name in names for path in _table(out, suffix, name)), _manifest(out, suffix)]


def _table(out: Path, suffix: str, name: str) -> tuple[Path, Path]:
    return out / f"{name}{suffix}.csv", out / f"{name}{suffix}.parquet"


def _manifest(out: Path, suffix: str) -> Path:
    return out / f"manifest{suffix}.json"


def write_tables(out: Path, suffix: str, records: Sequence[Record], journal: Journal) -> list[Path]:
    """Write measurements and other tables as CSV and Parquet: the rows of ``records`` in order.

    Columns are the union over all images; where an image lacks one, its cells are empty. A table
    without rows is not written: that of an earlier run would tell of other results, and goes.
    Raises `OutputError`.
    """
    written = []
    for name in [MEASUREMENTS, *sorted(journal.tables - {MEASUREMENTS})]:
        places = [record.tables[name] for record in records if name in record.tables]
        written += _write(_table(out, suffix, name), places, journal)
    return written


def _write(paths: tuple[Path, Path], places: Sequence[Place], journal: Journal) -> list[Path]:
    for path in paths:
        clear_leftovers(path)
    schemas = {str(schema): schema for schema in map(journal.schema, places)}
    if not schemas:
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise output_error(path, error) from error
        return []
    schema = pa.unify_schemas(list(schemas.values()))
    # The table of a slide has many times as many rows as are written at once.
    pieces = (rows for place in places for rows in journal.rows(place, _ROWS))
    with growing(paths, schema) as add:
        for rows in pieces:
            add(rows)
    return list(paths)


#: Rows that are written at once: enough to make Parquet's row groups worth their overhead.
_ROWS = 100_000


@contextmanager
def growing(paths: tuple[Path, Path], schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """A table in two files, CSV and Parquet: yields what adds rows, with columns of ``schema``.

    Both files appear at the end, whole. Raises `OutputError`.
    """
    waiting: list[pa.Table] = []
    count = 0

    def add(rows: pa.Table) -> None:
        nonlocal count
        if len(rows):  # a million images may have none
            waiting.append(_conformed(rows, schema))
            count += len(rows)
        if count >= _ROWS:
            flush()

    def flush() -> None:
        nonlocal count
        # `Schema.empty_table` would import pandas.
        rows = pa.concat_tables([pa.Table.from_batches([], schema), *waiting]).combine_chunks()
        waiting.clear()
        count = 0
        writing = beside.submit(csv.write_table, rows)
        parquet.write_table(rows)
        writing.result()

    with ExitStack() as stack:
        csv_path, parquet_path = (stack.enter_context(replacing(path)) for path in paths)
        csv = stack.enter_context(pa.csv.CSVWriter(csv_path, schema))
        parquet = stack.enter_context(pa.parquet.ParquetWriter(parquet_path, schema))
        # Last: it ends before the writers are closed, whatever goes wrong.
        beside = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="table"))
        yield add
        flush()


def _conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.schema == schema:
        return table  # the rule; a cast brings a library that takes a tenth of a second
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def head(
    pipeline: Pipeline[Any],
    outputs: Outputs,
    models: Mapping[str, Identity],
    ran: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """What a manifest says of the whole; ``ran`` what the weights of each model ran on."""
    return {
        "program": "cytomill",
        "version": __version__,
        "pipeline": pipeline.name,
        "options": pipeline.options.model_dump(mode="json"),
        "outputs": asdict(outputs),
        "models": {
            name: {
                "version": model.version,
                "sha256": model.sha256,
                "ran": sorted(ran.get(name, ())),
            }
            for name, model in models.items()
        },
    }


def write_manifest(out: Path, suffix: str, head: dict[str, Any], records: Sequence[Record]) -> Path:
    """Write ``manifest.json``: ``head``, then one entry per input. Raises `OutputError`."""
    path = _manifest(out, suffix)
    clear_leftovers(path)
    write_lines(path, head, (manifest_line(_entry(record)) for record in records))
    return path


def write_lines(path: Path, head: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Write ``head`` and below it the inputs, of each its line. Raises `OutputError`."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        opening = json.dumps({**head, "inputs": []}, indent=1, ensure_ascii=False)
        file.write(opening.removesuffix("]\n}"))
        separator = "\n"
        for line in lines:
            file.write(f"{separator}  {line}")
            separator = ",\n"
        file.write("\n ]\n}\n")


def manifest_line(entry: Mapping[str, Any]) -> str:
    """What a manifest says of an input; an ``error`` and ``notes`` only where there are any."""
    told = {**entry, "seconds": {k: round(v, 4) for k, v in entry["seconds"].items()}}
    for rare in ("error", "notes"):
        if not told[rare]:
            del told[rare]
    return json.dumps(told, ensure_ascii=False)


def _entry(record: Record) -> dict[str, Any]:
    entry = asdict(record)
    for internal in ("task", "tables", "stamp", "ran", "at"):
        del entry[internal]
    return entry
