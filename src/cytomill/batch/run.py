"""Run a pipeline over many images."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pydantic

from ..errors import CytomillError, Interrupted, OptionError, OutputError, UnreachableError
from ..image.beside import beside
from ..image.collect import Entry, collect, output_stems
from ..image.correction import Correction, corrected, named_axes
from ..inference.load import Device, cores, models
from ..inference.runtime import Runtime
from ..models.identity import Identity
from ..ops.jitcache import warm_beside
from ..pipelines.base import Pipeline
from ..pipelines.registry import find as find_pipeline
from ..version import __version__
from .journal import HIDDEN, Journal, Record, read
from .outputs import Outputs
from .report import Report, files, head, write_manifest, write_tables
from .shard import Shard
from .worker import FOREIGN, Worker


@dataclass(frozen=True, slots=True)
class Plan:
    """One input of a run: where its outputs go, and whether an earlier run has done it."""

    entry: Entry
    stem: str
    done: bool


#: Called after each input: its record, how many are finished, how many there are to do.
Progress = Callable[[Record, int, int], None]


class Run:
    """One run of a pipeline over inputs: `plan` it, then `go`.

    See `cytomill.run` for the arguments; ``images`` are the microscope's, where the inputs are
    labels; ``axes`` are of the inputs alone. Raises `OptionError`, `InputError` and `OutputError`
    for what makes any work impossible.
    """

    def __init__(
        self,
        inputs: Sequence[str | Path],
        out: str | Path,
        *,
        pipeline: str = "nuclei",
        options: Mapping[str, Any] | None = None,
        pattern: str | None = None,
        split: str | None = None,
        images: Sequence[str | Path] = (),
        axes: str | None = None,
        outputs: Outputs | None = None,
        shard: Shard | None = None,
        device: Device = "auto",
        model_server: str | None = None,
        threads: int | None = None,
        overwrite: bool = False,
    ) -> None:
        if not str(out):
            raise OptionError("--out: is empty; name a folder for the results")
        self.out = Path(os.path.expanduser(out))  # noqa: PTH111 - Path's raises for no such user
        self.pipeline = make_pipeline(pipeline, options or {})
        self.outputs = outputs or Outputs()
        self._shard = shard
        self._suffix = shard.suffix if shard else ""
        self._device: Device = device
        self._server = model_server
        if threads is not None and threads < 1:
            raise OptionError(f"--threads {threads}: must be 1 or more")
        self._threads = threads or cores()
        self._overwrite = overwrite
        #: Whether work has begun: what stops the run after that leaves something done.
        self.begun = False
        movies = self.pipeline.movies
        entries = collect(inputs, pattern=pattern, split=split, exclude=self.out, movies=movies)
        self._axes = None if axes is None else named_axes(axes)
        if self._axes is not None:
            entries = corrected(entries, Correction(axes=self._axes))
        if images:
            # One by one: a movie is given as often as there are labels of it.
            raws = [collect([one], exclude=self.out, movies=movies) for one in images]
            entries = beside(entries, [entry for some in raws for entry in some])
        stems = output_stems(entries)
        pairs = list(zip(entries, stems, strict=True))
        self._taken = frozenset(stem.casefold() for stem in stems)
        self._pairs = shard.of(pairs) if shard else pairs
        self._models = {name: Identity.of(model) for name, model in self.pipeline.needs.items()}
        self.outputs.check(self.pipeline.products)
        self.outputs.check_stems(self.pipeline.products, stems)
        self.task = self._fingerprint()

    def _fingerprint(self) -> str:
        """What decides the result besides the input: the same again is not redone."""
        told = {
            "program": __version__,
            "pipeline": self.pipeline.name,
            "options": self.pipeline.options.model_dump(mode="json"),
            "models": {name: asdict(model) for name, model in self._models.items()},
            "outputs": asdict(self.outputs),
        }
        if self._axes is not None:
            told["axes"] = self._axes
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def names(self, plan: Plan) -> list[str]:
        """The files for an input, relative to OUT, should it hold one image."""
        return self.outputs.names(plan.stem, self.pipeline.products)

    def plan(self) -> list[Plan]:
        """What `go` would do, which leaves no trace. Raises `OutputError`."""
        self._refuse_foreign()
        return self._plan(read(self.out).records)

    def _plan(self, records: Mapping[str, Record]) -> list[Plan]:
        return [
            Plan(entry, stem, self._is_done(entry, records.get(entry.name)))
            for entry, stem in self._pairs
        ]

    def _is_done(self, entry: Entry, record: Record | None) -> bool:
        if self._overwrite or record is None or record.status != "done":
            return False
        if record.task != self.task or not all((self.out / o).exists() for o in record.outputs):
            return False
        try:
            # A touched file is read again before it is believed to have changed.
            return entry.stamp() == record.stamp or entry.digest() == record.sha256
        except Exception:
            return False  # unreadable: processing it will say why

    def _refuse_foreign(self) -> None:
        """Raise `OutputError` where a table or manifest is that of another program."""
        if self._overwrite or (self.out / HIDDEN / f"journal{self._suffix}.jsonl").exists():
            return
        for path in files(self.out, self._suffix, self.pipeline.products.tables):
            if path.exists():
                raise OutputError(path, *FOREIGN)

    def go(self, progress: Progress | None = None) -> Report:
        """Do the work; every input ends as a record, whatever its fate.

        Raises `Interrupted` on Ctrl-C after the inputs at hand, `OutputError` where nothing more
        can be written, and `UnreachableError` where the model server stays away; what was finished
        before is recorded, and the next run carries on.
        """
        start = time.monotonic()
        self._refuse_foreign()
        with Journal(self.out, self._shard) as journal:
            plans = self._plan(journal.records)
            todo = [plan for plan in plans if not plan.done]
            runtimes = models(self._device, self._threads, self._server)
            loaded: Mapping[str, Runtime] = {}
            if todo:
                # What compiled functions need is loaded while the model is, and the first
                # predictions are made.
                warm_beside()
                # A model that cannot be loaded must stop the run, not fail each image.
                loaded = self.pipeline.load(runtimes)
            worker = Worker(
                self.pipeline,
                runtimes,
                self.outputs,
                journal,
                task=self.task,
                threads=self._threads,
                overwrite=self._overwrite,
                taken=self._taken,
                ran={n: f"{r.weights.path.name} on {r.device}" for n, r in loaded.items()},
            )
            for plan in todo:  # what earlier runs found of these no longer holds
                journal.records.pop(plan.entry.name, None)
            self.begun = True
            stopped: CytomillError | None = None
            try:
                with closing(self._work(worker, todo)) as work:
                    for finished, record in enumerate(work, start=1):
                        if progress:
                            progress(record, finished, len(todo))
            except KeyboardInterrupt:
                stopped = Interrupted()
            except (OutputError, UnreachableError) as error:
                stopped = error
            records = [self._last(plan, journal) for plan in plans]
            seconds = time.monotonic() - start
            try:
                tables = write_tables(self.out, self._suffix, records, journal)
                told = {**self._head(records), "seconds": round(seconds, 3)}
                manifest = write_manifest(self.out, self._suffix, told, records)
            except OutputError as error:
                raise stopped or error from None
            if stopped is not None:
                raise stopped
        skipped = frozenset(plan.entry.name for plan in plans if plan.done)
        return Report(tuple(records), skipped, seconds, manifest, tuple(tables))

    def _work(self, worker: Worker, todo: Sequence[Plan]) -> Generator[Record, None, None]:
        """Records as they come; the pool holds a window of the work: a million inputs fit."""
        waiting: set[Future[Record]] = set()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="item") as pool:
            try:
                for plan in todo:
                    waiting.add(pool.submit(worker.item, plan.entry, plan.stem))
                    if len(waiting) >= 2 * self._threads:
                        finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                        yield from (future.result() for future in finished)
                while waiting:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in finished)
            finally:
                worker.stop.set()
                for future in waiting:
                    future.cancel()

    def _last(self, plan: Plan, journal: Journal) -> Record:
        """What became of an input; ``pending`` where the run was stopped before."""
        record = journal.records.get(plan.entry.name)
        if record is None or record.status == "started":
            return Record(plan.entry.name, "pending", self.task)
        return record

    def _head(self, records: Sequence[Record]) -> dict[str, Any]:
        """What the manifest says of the run as a whole."""
        # Several where earlier runs, or other shares, ran on other machines.
        ran = {name: {r.ran[name] for r in records if name in r.ran} for name in self._models}
        corrected = {} if self._axes is None else {"axes": self._axes}
        return {
            **head(self.pipeline, self.outputs, self._models, ran),
            **corrected,
            "shard": f"{self._shard.index}/{self._shard.count}" if self._shard else None,
        }


def make_pipeline(name: str, options: Mapping[str, Any]) -> Pipeline[Any]:
    """The pipeline ``name`` with ``options``; raises `OptionError` for what it does not know."""
    kind = find_pipeline(name)
    try:
        return kind(kind.Options(**options))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.Options.model_fields)
        if first["type"] == "extra_forbidden":
            raise OptionError(f"{name} has no option {where!r}; its options are: {known}") from None
        given = "" if first["type"] == "missing" else f"={first['input']!r}"
        why = first["msg"].removeprefix("Value error, ").lower()
        raise OptionError(f"{name}: option {where}{given}: {why}") from None
