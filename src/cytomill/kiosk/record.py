"""What came of one attempt at an item: one object, of Arrow's streams.

The first stream has the measurements, and in the metadata of its schema the record itself as JSON,
so that a reader of the record alone needs but the beginning of the object. Other tables follow, at
the end, each a stream.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from ..batch.steps import MEASUREMENTS
from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.errors import MissingError

_NAME = "record.arrow"

#: Under what the record is in the metadata, and what it says there of the tables: whether there
#: are measurements, and of the others the bytes of their streams, by name.
_KEY, _ROWS, _TABLES = b"cytomill", "rows", "tables"

#: Bytes that are read first: they hold the record of all but files of hundreds of images.
_HEAD = 2**16

#: What begins each message of a stream, and the bytes of that and of the length that follows.
_MARK, _PREFIX = b"\xff\xff\xff\xff", 8


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was written for an item, or a ``folder``, such as OME-Zarr.

    ``name`` is the path it has in the results, ``key`` says where in the bucket it is, ``bytes``
    are those of all its files.
    """

    name: str
    key: str
    bytes: int
    folder: bool = False


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """What became of an item: ``status`` is ``done`` or ``failed``, for the reason ``error``.

    ``images`` are those in its file, ``seconds`` wall times by stage, ``sha256`` that of its
    content. ``wire_bytes`` are those ``sent`` to and ``received`` from a model server. ``ran`` says
    which weights of each model ran on what. ``notes`` say what a user should know of how it was
    done.
    """

    name: str
    status: str
    objects: int = 0
    images: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    sha256: str = ""
    outputs: tuple[Output, ...] = ()
    wire_bytes: Mapping[str, int] = field(default_factory=dict)
    ran: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


#: What is told of an item besides its tables.
_FIELDS = {one.name for one in fields(ItemRecord)}


def key(job: str, item: int, attempt: int) -> str:
    """Where the record of an attempt is."""
    return f"{layout.attempt(job, item, attempt)}/{_NAME}"


def write(
    bucket: Bucket,
    job: str,
    item: int,
    attempt: int,
    record: ItemRecord,
    tables: Mapping[str, pa.Table] = MappingProxyType({}),
) -> None:
    """Write the record of an attempt with its measurements and other tables, by name."""
    others = {name: _stream(one) for name, one in tables.items() if name != MEASUREMENTS}
    sizes = {name: len(stream) for name, stream in others.items()}
    told = {**asdict(record), _ROWS: MEASUREMENTS in tables, _TABLES: sizes}
    table = tables.get(MEASUREMENTS, pa.table({}))
    metadata = {**(table.schema.metadata or {}), _KEY: json.dumps(told).encode()}
    sink = pa.BufferOutputStream()
    sink.write(_stream(table.replace_schema_metadata(metadata)))
    for stream in others.values():
        sink.write(stream)
    bucket.put(key(job, item, attempt), memoryview(sink.getvalue()))


def read(bucket: Bucket, job: str, item: int, attempt: int) -> ItemRecord:
    """The record of an attempt. Raises `MissingError` where it wrote none."""
    where = key(job, item, attempt)
    head = b"".join(bucket.stream(where, 0, _HEAD))
    size = _PREFIX + int.from_bytes(head[len(_MARK) : _PREFIX], "little")
    if size > len(head):
        head += b"".join(bucket.stream(where, len(head), size - len(head)))
    return _record(_told(pa.ipc.read_schema(pa.py_buffer(head))))


def rows(bucket: Bucket, job: str, item: int, attempt: int) -> pa.Table | None:
    """The measurements of an attempt; None where it measured nothing. Raises `MissingError`."""
    with opened(bucket, job, item, attempt) as contents:
        if contents.schema is None:
            return None
        return pa.concat_tables([contents.schema.empty_table(), *contents.rows])


@dataclass(frozen=True, slots=True)
class Contents:
    """An open record: itself, its measurements in pieces, and its other tables by name.

    ``schema`` is that of the measurements, None where there are none; ``rows`` is read once.
    """

    record: ItemRecord
    schema: pa.Schema | None
    rows: Iterator[pa.Table]
    tables: Mapping[str, pa.Table]


@contextmanager
def opened(bucket: Bucket, job: str, item: int, attempt: int) -> Iterator[Contents]:
    """The record of an attempt and its tables. Raises `MissingError`."""
    where = key(job, item, attempt)
    path = bucket.path(where)
    try:
        file = pa.BufferReader(bucket.get(where)) if path is None else pa.OSFile(str(path))
    except FileNotFoundError:
        raise MissingError from None
    with file:
        reader = pa.ipc.open_stream(file)
        told, schema = _told(reader.schema), _plain(reader.schema)
        tables, place = {}, file.tell()
        begin = file.size() - sum(told[_TABLES].values())
        for name, size in told[_TABLES].items():
            file.seek(begin)
            tables[name] = pa.ipc.open_stream(file).read_all()
            begin += size
        file.seek(place)
        kept = schema.metadata
        pieces = (pa.Table.from_batches([one]).replace_schema_metadata(kept) for one in reader)
        if told[_ROWS]:
            yield Contents(_record(told), schema, pieces, tables)
        else:
            yield Contents(_record(told), None, iter(()), tables)


def _stream(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema without the record."""
    kept = {name: value for name, value in schema.metadata.items() if name != _KEY}
    return schema.with_metadata(kept) if kept else schema.remove_metadata()


def _told(schema: pa.Schema) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema.metadata[_KEY])
    return {_TABLES: {}, **found}


def _record(told: Mapping[str, Any]) -> ItemRecord:
    kept = {name: value for name, value in told.items() if name in _FIELDS}
    outputs = tuple(Output(**one) for one in kept.pop("outputs"))
    notes = tuple(kept.pop("notes", ()))
    return ItemRecord(**kept, outputs=outputs, notes=notes)
