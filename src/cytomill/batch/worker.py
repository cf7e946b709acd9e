"""What one thread of a run does with one input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import CytomillError, Interrupted, OutputError, UnreachableError
from ..image.atomic import output_error
from ..image.collect import Entry
from ..image.core import Image
from ..image.names import series_stems
from ..image.view import forgiving
from ..inference.runtime import Models
from ..inference.traffic import counted
from ..pipelines.base import Part, Partial, Pipeline, Result
from ..pipelines.faults import is_of_disk, reason
from ..pipelines.stopwatch import Stopwatch
from ..pipelines.trying import process
from .journal import Journal, Record
from .outputs import Outputs
from .steps import Found, viewed

#: Fault and way out of a file that is in the place of a result.
FOREIGN = (
    "exists and was not made by a run into this folder",
    "move it, choose another --out or give --overwrite",
)


class Worker:
    """Processes inputs, several at once: call `item` from as many threads as wanted.

    An image of many parts has them spread over ``threads`` threads of its own; one such image at a
    time, so that memory does not grow with the number of slides in a folder.
    """

    def __init__(
        self,
        pipeline: Pipeline[Any],
        models: Models,
        outputs: Outputs,
        journal: Journal,
        *,
        task: str,
        threads: int,
        overwrite: bool,
        taken: frozenset[str],
        ran: Mapping[str, str],
    ) -> None:
        self._pipeline = pipeline
        self._models = models
        self._outputs = outputs
        self._journal = journal
        self._task = task
        self._threads = threads
        self._overwrite = overwrite
        self._taken = taken
        self._ran = dict(ran)
        self._large = Lock()
        #: Set to make work stop at the next part, or when it waits for a model server.
        self.stop = models.stopping

    def item(self, entry: Entry, stem: str) -> Record:
        """Process one input and write what came of it.

        Returns its record, which is also in the journal; a failure is a record too. Raises
        `OutputError` where nothing further can be written, `UnreachableError` where nothing further
        can be predicted, `Interrupted` once `stop` is set.
        """
        if self.stop.is_set():
            raise Interrupted
        with counted() as traffic:
            record = self._item(entry, stem)
        wire = {"sent": traffic.sent, "received": traffic.received}
        record = replace(record, wire_bytes=wire)
        self._journal.add(record)
        return record

    def _item(self, entry: Entry, stem: str) -> Record:
        watch = Stopwatch()
        record = Record(entry.name, "started", self._task, ran=self._ran)
        try:
            with watch("hash"):
                record = replace(record, stamp=entry.stamp(), sha256=entry.digest())
            with ExitStack() as stack:
                with watch("open"):
                    opened = stack.enter_context(entry.open()).images
                    images = viewed(self._pipeline, opened, entry.name)
                stems = series_stems(stem, len(images), self._taken)
                record = replace(
                    record,
                    images=len(images),
                    outputs=[
                        name
                        for own in stems
                        for name in self._outputs.names(own, self._pipeline.products)
                    ],
                )
                self._refuse_foreign(record.outputs)
                self._journal.add(record)
                found = Found(self._pipeline.products, len(images))
                for image, own in zip(images, stems, strict=True):
                    found.add(self._image(image, own, watch))
            record = replace(
                record,
                status="done",
                objects=found.objects,
                seconds=watch.seconds,
                notes=found.notes,
                tables={name: self._journal.add_rows(t) for name, t in found.tables.items()},
            )
        except (Interrupted, UnreachableError):
            raise
        except CytomillError as error:
            if isinstance(error, OutputError) and is_of_disk(error.__cause__):
                raise
            record = _failed(record, error)
        except Exception as error:  # a fault of ours must not take the other images with it
            if isinstance(error, OSError) and is_of_disk(error):
                raise output_error(self._journal.out, error) from error
            record = _failed(record, error)
        return record

    def _image(self, image: Image, stem: str, watch: Stopwatch) -> Result:
        with watch("split"):
            parts = self._pipeline.split(image)
        out = self._journal.out
        with self._journal.scratch() as scratch:
            if len(parts) == 1:
                partials: Iterator[Partial] = iter([self._part(image, parts[0])])
                result = self._pipeline.merge(image, partials, Path(scratch))
            else:
                with self._large:
                    result = self._pipeline.merge(image, self._spread(image, parts), Path(scratch))
            watch.add(result.seconds)
            with watch("write"):
                how = self._pipeline.name, self._pipeline.objects
                # A movie may have lost frames, which are no reason not to write the others.
                written = forgiving(image) if self._pipeline.movies else image
                self._outputs.write(out, stem, written, result, *how)
        # The labels may lie in the scratch folder, which is gone: what is kept is the rest.
        return result

    def _part(self, image: Image, part: Part) -> Partial:
        if self.stop.is_set():
            raise Interrupted
        return process(self._pipeline, image, part, self._models)

    def _spread(self, image: Image, parts: Sequence[Part]) -> Iterator[Partial]:
        """Partials in the order of their parts, at most one per thread in waiting."""
        with ThreadPoolExecutor(self._threads) as pool:
            waiting: list[Future[Partial]] = []
            try:
                for part in parts:
                    # In a copy of the context, what it sends counts for this image.
                    waiting.append(pool.submit(copy_context().run, self._part, image, part))
                    if len(waiting) > self._threads:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    def _refuse_foreign(self, outputs: Sequence[str]) -> None:
        if self._overwrite:
            return
        for name in outputs:
            if name not in self._journal.made and (self._journal.out / name).exists():
                raise OutputError(self._journal.out / name, *FOREIGN)


def _failed(record: Record, error: Exception) -> Record:
    told = reason(error, record.input)
    return replace(record, status="failed", outputs=[], objects=0, error=told)
