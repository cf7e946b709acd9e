"""What a run has finished, line by line, so that nothing is done twice and nothing is lost.

``OUT/.cytomill/`` holds, for each share of the work, a journal of JSON lines and the measurement
tables that its lines point into. A line is written after everything it speaks of is on disk; what
follows the last whole line of a killed run is ignored.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa

from ..errors import OutputError
from ..image.atomic import clear_leftovers, output_error
from .shard import Shard

#: The folder inside OUT that holds journals, tables and locks.
HIDDEN = ".cytomill"

#: Where a table lies: file name, first byte, number of bytes.
Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one input.

    ``status`` is ``started``, ``done`` or ``failed``. ``task`` identifies program, pipeline,
    options and model. ``outputs`` are paths relative to OUT. ``ran`` says which weights of each
    model ran on what. ``wire_bytes`` are those ``sent`` to and ``received`` from a model server.
    ``notes`` say what a user should know of how it was done. ``tables`` says where its tables lie,
    by name: file name, first byte, number of bytes. ``at`` is when it was written, in seconds since
    1970.
    """

    input: str
    status: str
    task: str
    outputs: list[str] = field(default_factory=list)
    stamp: str = ""
    sha256: str = ""
    images: int = 0
    objects: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    error: str = ""
    ran: dict[str, str] = field(default_factory=dict)
    wire_bytes: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tables: dict[str, Place] = field(default_factory=dict)
    at: float = 0.0


#: What lines of this version tell.
_KNOWN = {one.name for one in fields(Record)}


class Journal:
    """The journal of one run; a context manager that holds the locks on its folder.

    A run of the whole clears up what killed runs left. Raises `OutputError` where the folder cannot
    be written or another run is using it.
    """

    def __init__(self, out: Path, shard: Shard | None) -> None:
        self.out = out
        self._suffix = shard.suffix if shard else ""
        self._folder = out / HIDDEN
        self._open: list[BinaryIO] = []
        self._write = Lock()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Shares of one job may run side by side, but not beside a run of the whole.
            self._lock("lock", fcntl.LOCK_SH if shard else fcntl.LOCK_EX)
            if shard:
                self._lock(f"lock{self._suffix}", fcntl.LOCK_EX)
            path = self._folder / f"journal{self._suffix}.jsonl"
            whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
            self._lines = self._file(path.name)
            if not whole:  # the line a killed run was writing must not swallow the next
                self._lines.write(b"\n")
            self._rows = self._file(f"rows{self._suffix}.arrows")
            past = read(out)
            if not shard:
                self._clear(past.unfinished)
        except (NotADirectoryError, FileExistsError) as error:
            self.close()
            raise OutputError(out, "is not a folder", "choose another --out") from error
        except OSError as error:
            self.close()
            raise output_error(out, error) from error
        except OutputError:
            self.close()
            raise
        #: Every output that a run recorded here wrote, or began to write.
        self.made = past.made
        #: The last that is known of each input.
        self.records = past.records
        #: Names of the tables that any input ever had rows in.
        self.tables = past.tables

    def _file(self, name: str) -> BinaryIO:
        # Unbuffered: what a full disk refused must not be tried again on closing.
        file = (self._folder / name).open("a+b", buffering=0)
        self._open.append(file)
        return file

    def _lock(self, name: str, kind: int) -> None:
        lock = self._file(name)
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().decode(errors="replace").strip() or "another process"
            raise OutputError(
                self.out,
                f"is in use by another run ({holder})",
                "wait for it, choose another --out, or give each run its --shard I/N",
            ) from None
        if kind == fcntl.LOCK_EX:
            lock.truncate(0)
            lock.write(f"pid {os.getpid()} on {socket.gethostname()}".encode())

    def _clear(self, unfinished: Iterable[str]) -> None:
        """Remove temporary files of killed runs. Only where no share can be at work beside."""
        for scratch in self._folder.glob("scratch-*"):
            shutil.rmtree(scratch, ignore_errors=True)
        for name in unfinished:
            clear_leftovers(self.out / name)

    def add(self, record: Record) -> None:
        """Write one line; safe from several threads at once. Raises `OutputError`."""
        with self._write:
            record = replace(record, at=time.time())
            line = (json.dumps(asdict(record), ensure_ascii=False) + "\n").encode()
            with _appending(self._lines):
                while line:
                    line = line[self._lines.write(line) :]
            self.records[record.input] = record
            self.tables.update(record.tables)

    def add_rows(self, table: pa.Table) -> Place:
        """Append a table; returns where it lies.

        Safe from several threads at once. Raises `OutputError`.
        """
        path = Path(self._rows.name)
        with self._write, _appending(self._rows) as first:
            # Straight to the file: the rows of a slide are too many to be in memory twice.
            with (
                pa.OSFile(str(path), "ab") as sink,
                pa.ipc.new_stream(sink, table.schema) as stream,
            ):
                stream.write_table(table)
            return path.name, first, self._rows.seek(0, os.SEEK_END) - first

    def schema(self, place: Place) -> pa.Schema:
        """The columns of the table that lies at ``place``; its rows are not read."""
        with self._stream(place) as stream:
            return stream.schema

    def rows(self, place: Place, most: int) -> Iterator[pa.Table]:
        """The rows of the table that lies at ``place``, ``most`` at a time, the last ones fewer."""
        waiting: list[pa.RecordBatch] = []
        count = 0
        with self._stream(place) as stream:
            for batch in stream:
                waiting.append(batch)
                count += len(batch)
                while count >= most:
                    table = pa.Table.from_batches(waiting)
                    yield table[:most]
                    waiting, count = table[most:].to_batches(), count - most
        if count:
            yield pa.Table.from_batches(waiting)

    @contextmanager
    def _stream(self, place: Place) -> Iterator[pa.RecordBatchReader]:
        name, first, _ = place
        with pa.OSFile(str(self._folder / name)) as file:
            file.seek(first)
            with pa.ipc.open_stream(file) as stream:
                yield stream

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """A folder for temporary files, on the disk of the results. Raises `OutputError`."""
        try:
            return tempfile.TemporaryDirectory(
                dir=self._folder, prefix="scratch-", ignore_cleanup_errors=True
            )
        except OSError as error:
            raise output_error(self._folder, error) from error

    def close(self) -> None:
        """Release the folder."""
        for file in reversed(self._open):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Past:
    """What journals tell: the last of each input, outputs ever begun, outputs not finished.

    ``tables`` are the names of those that any input ever had rows in.
    """

    records: dict[str, Record]
    made: set[str]
    unfinished: set[str]
    tables: set[str]


def read(out: Path) -> Past:
    """Read all journals of an output folder, oldest lines first; leaves no trace."""
    records: dict[str, Record] = {}
    made: set[str] = set()
    begun: dict[str, list[str]] = {}
    tables: set[str] = set()
    paths = sorted((out / HIDDEN).glob("journal*.jsonl"))
    for record in heapq.merge(*map(_records, paths), key=lambda record: record.at):
        made.update(record.outputs)
        tables.update(record.tables)
        if record.status != "started":
            begun.pop(record.input, None)
            records[record.input] = record
            continue
        begun[record.input] = record.outputs
        known = records.get(record.input)
        # To begin the same again says nothing against what an earlier run finished.
        if known is None or not _same_work(known, record) or known.status != "done":
            records[record.input] = record
    unfinished = {name for names in begun.values() for name in names}
    return Past(records, made, unfinished, tables)


def _same_work(one: Record, other: Record) -> bool:
    return (one.task, one.sha256) == (other.task, other.sha256)


def _records(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield _record(json.loads(line))
            except (ValueError, TypeError, AttributeError, KeyError):
                continue  # the line a killed run was writing


def _record(told: dict[str, Any]) -> Record:
    if told.keys() - _KNOWN:
        # Of another version, which kept other things: it says which files are its own, no more.
        return Record(told["input"], "started", "", outputs=told["outputs"], at=told["at"])
    tables = {name: tuple(place) for name, place in told["tables"].items()}
    return Record(**{**told, "notes": tuple(told["notes"]), "tables": tables})


@contextmanager
def _appending(file: BinaryIO) -> Iterator[int]:
    """Add to ``file`` in the block: all of it, or nothing where it fails; yields its first byte.

    Raises `OutputError` for every `OSError` in the block.
    """
    first = file.seek(0, os.SEEK_END)
    try:
        yield first
    except BaseException as error:
        with suppress(OSError):
            file.truncate(first)
        if isinstance(error, OSError):
            raise output_error(Path(file.name), error) from error
        raise
