"""What is written of a job as a whole when its items have ended: as a run writes it.

Everything is read once and in order, however many items there are; a second time only where a later
item has columns that the first ones lack.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from ..batch.report import growing, head, manifest_line, write_lines
from ..batch.steps import MEASUREMENTS
from ..jobs import layout
from ..jobs.errors import MissingError
from ..jobs.items import read_page
from ..jobs.job import Job
from ..models.identity import Identity
from . import record
from .backend import Backend
from .plans import Plan
from .process import keep_only
from .record import Contents, ItemRecord
from .stopping import check

#: Records that are fetched ahead of a bucket that is not a folder.
_AHEAD = 32

_UNTOLD = "could not be processed; the reason is no longer known"


def report(backend: Backend, plan: Plan, scratch: Path) -> None:
    """Write the tables and the manifest of a job whose items have all ended.

    What attempts left that do not count is removed. Raises `MissingError` for a job that is not
    there any more.
    """
    job = backend.queue.job(plan.job.id)
    if job is None:
        raise MissingError(f"there is no job {plan.job.id} any more")
    bucket, top = backend.bucket, layout.report(job.id)
    bucket.delete_folder(f"{layout.job(job.id)}/parts")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        reader = _Reader(backend, plan, job, Path(folder))
        reader.read()
        names = reader.write()
        for name in names:
            bucket.put_file(f"{top}/{name}", Path(folder, name), move=True)
    kept = {f"{top}/{name}" for name in names}
    bucket.delete([one.key for one in bucket.list(top) if one.key not in kept])


class _Table:
    """One of the tables of a job, as it grows.

    Its columns are those of the first rows; where later ones have more it is `behind`, and is
    written anew with all of them.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.paths = folder / f"{name}.csv", folder / f"{name}.parquet"
        self.behind = False
        self._schemas: dict[str, pa.Schema] = {}
        self._schema: pa.Schema | None = None
        self._add: Callable[[pa.Table], None] | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Within it rows can be added."""
        if self._schemas:
            self._schema, self.behind = self._whole(), False
        with ExitStack() as self._stack:
            self._add = None
            yield

    def add(self, schema: pa.Schema, pieces: Iterable[pa.Table]) -> None:
        """Add rows, which are in ``pieces`` of one ``schema``."""
        told = str(schema)
        if told not in self._schemas:
            self._schemas[told] = schema
            if self._schema is None:
                self._schema = schema
            self.behind = self.behind or self._whole() != self._schema
        if self.behind:
            return
        if self._add is None:
            self._add = self._stack.enter_context(growing(self.paths, self._schema))
        for rows in pieces:
            self._add(rows)

    def _whole(self) -> pa.Schema:
        return pa.unify_schemas(list(self._schemas.values()))


class _Reader:
    """Reads the records of a job and puts together what is written of it in ``folder``."""

    def __init__(self, backend: Backend, plan: Plan, job: Job, folder: Path) -> None:
        self._backend, self._plan, self._job = backend, plan, job
        names = (MEASUREMENTS, *plan.products.tables)
        self._tables = {name: _Table(folder, name) for name in names}
        self._manifest, self._lines = folder / "manifest.json", folder / "lines"
        self._ran: dict[str, set[str]] = {}

    def read(self) -> None:
        """Read all records, and write what is theirs."""
        with self._lines.open("w", encoding="utf-8") as lines:
            self._read(lines)
        if any(table.behind for table in self._tables.values()):
            self._read(None)

    def write(self) -> list[str]:
        """Write the manifest; the names of all files."""
        models = {name: Identity.of(one) for name, one in self._plan.pipeline.needs.items()}
        told = head(self._plan.pipeline, self._plan.outputs, models, self._ran)
        given = [one for inputs in self._job.inputs for one in inputs.get("corrections", ())]
        if given:
            told["corrections"] = given
        told["seconds"] = round(time.time() - (self._job.started or time.time()), 3)
        with self._lines.open(encoding="utf-8") as lines:
            write_lines(self._manifest, told, (line.rstrip("\n") for line in lines))
        self._lines.unlink()
        return sorted(path.name for path in self._manifest.parent.iterdir())

    def _read(self, lines: TextIO | None) -> None:
        with ExitStack() as stack:
            for table in self._tables.values():
                stack.enter_context(table.writing())
            for number, attempt, told, contents in self._items():
                if contents is not None:
                    if contents.schema is not None:
                        self._tables[MEASUREMENTS].add(contents.schema, contents.rows)
                    for name in self._tables.keys() & contents.tables.keys():
                        rows = contents.tables[name]
                        self._tables[name].add(rows.schema, [rows])
                if lines is not None:
                    lines.write(_line(told) + "\n")
                    for model, how in told.ran.items():
                        self._ran.setdefault(model, set()).add(how)
                    self._tidy(number, attempt, recorded=contents is not None)

    def _items(self) -> Iterator[tuple[int, int, ItemRecord, Contents | None]]:
        """For each item its number, its attempt and what came of it."""
        queue, bucket, job = self._backend.queue, self._backend.bucket, self._job
        for first in range(0, job.items, layout.PAGE):
            check()
            items = read_page(bucket, job.id, first // layout.PAGE)
            states = queue.states(job, first, layout.PAGE)
            rows = [(first + i, *state) for i, state in enumerate(states)]
            reasons = queue.errors(job, [number for number, state, _ in rows if state == "failed"])
            opened = self._opened([(number, attempt) for number, _, attempt in rows])
            for item, (number, state, attempt), found in zip(items, rows, opened, strict=True):
                with found as contents:
                    if contents is not None and contents.record.status == state:
                        yield number, attempt, contents.record, contents
                        continue
                why = reasons.get(number, _UNTOLD)
                yield number, attempt, ItemRecord(item.name, "failed", error=why), None

    def _opened(
        self, attempts: Sequence[tuple[int, int]]
    ) -> Iterator[AbstractContextManager[Contents | None]]:
        """The records of attempts, open, in their order; None where there is none."""
        if self._backend.bucket.path(layout.job(self._job.id)) is not None:
            yield from map(self._open, attempts)
            return
        with ThreadPoolExecutor(_AHEAD) as pool:
            waiting: deque[Future[AbstractContextManager[Contents | None]]] = deque()
            for attempt in attempts:
                waiting.append(pool.submit(self._open, attempt))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _open(self, attempt: tuple[int, int]) -> AbstractContextManager[Contents | None]:
        with ExitStack() as stack:
            found = record.opened(self._backend.bucket, self._job.id, *attempt)
            try:
                contents = stack.enter_context(found)
            except MissingError:
                return nullcontext()
            return _Open(contents, stack.pop_all())

    def _tidy(self, number: int, attempt: int, *, recorded: bool) -> None:
        """Remove what consumers left that died between writing and telling."""
        bucket, job = self._backend.bucket, self._job.id
        if not recorded:
            bucket.delete_folder(layout.results(job, number))
        elif attempt > 1:
            keep_only(bucket, job, number, attempt)


class _Open(AbstractContextManager[Contents | None]):
    """A record that is open already."""

    def __init__(self, contents: Contents, stack: ExitStack) -> None:
        self._contents, self._stack = contents, stack

    def __enter__(self) -> Contents:
        return self._contents

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _line(told: ItemRecord) -> str:
    """What the manifest says of an item: what that of a run does."""
    return manifest_line(
        {
            "input": told.name,
            "status": told.status,
            "outputs": [one.name for one in told.outputs],
            "sha256": told.sha256,
            "images": told.images,
            "objects": told.objects,
            "seconds": told.seconds,
            "error": told.error,
            "wire_bytes": told.wire_bytes,
            "notes": told.notes,
        }
    )
