"""What a consumer does with one item."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import get_ident

import pyarrow as pa

from ..batch.steps import is_of_disk, joined, named, reason
from ..errors import Interrupted, OutputError, TemporaryError
from ..image.core import Image
from ..image.names import series_stems
from ..inference.traffic import Traffic, counted
from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.errors import BucketFullError
from ..jobs.items import Item
from ..jobs.task import Kind, Outcome, Task
from ..pipelines.base import Part, Partial
from ..pipelines.stopwatch import Stopwatch
from . import record
from .inputs import Inputs
from .parts import Parts, divided
from .plans import Plan, Plans
from .record import ItemRecord, Output
from .stopping import check


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended, for `Queue.finish`; ``seconds`` of a consumer's thread."""

    outcome: Outcome
    objects: int = 0
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fanned:
    """An item that is to be processed in so many parts, for `Queue.fan`."""

    parts: int


class Processing:
    """Processes items, parts of them, and merges these; several at once.

    ``scratch`` is a folder for temporary files on this machine.
    """

    def __init__(self, bucket: Bucket, plans: Plans, inputs: Inputs, scratch: Path) -> None:
        self._bucket, self._plans, self._inputs = bucket, plans, inputs
        self._parts = Parts(bucket)
        self._scratch = scratch

    def do(self, task: Task) -> Ended | Fanned:
        """Do a task about an item, up to what is told the queue.

        What is wrong with the item is an end; raises what passes (`TemporaryError`), and
        `Interrupted` where it was to stop.
        """
        begun = time.perf_counter()
        plan = self._plans.plan(task.job)
        item = self._plans.item(task.job, task.item)
        facts = _Facts()
        with counted() as facts.traffic:
            return self._ended(task, plan, item, facts, begun)

    def _ended(
        self, task: Task, plan: Plan, item: Item, facts: _Facts, begun: float
    ) -> Ended | Fanned:
        try:
            if task.kind is Kind.PART:
                self._part(task, plan, item)
                return Ended(Outcome.DONE, seconds=time.perf_counter() - begun)
            return self._item(task, plan, item, facts)
        except Exception as error:
            if passes(error):
                raise
            told = reason(error, item.name)
            if task.kind is not Kind.PART:
                self.undo(task)
            failed = ItemRecord(
                item.name,
                "failed",
                images=facts.images,
                error=told,
                sha256=facts.sha256 or self._digest(item),
                wire_bytes=facts.wire_bytes,
                ran=plan.ran,
            )
            record.write(self._bucket, task.job, task.item, task.attempt, failed)
            seconds = time.perf_counter() - begun
            return Ended(Outcome.FAILED, seconds=seconds, reason=told)

    def published(self, task: Task, ended: Ended) -> None:
        """An attempt counts: what earlier ones left goes."""
        if task.attempt > 1:
            keep_only(self._bucket, task.job, task.item, task.attempt)
        if task.kind is Kind.MERGE or task.attempt > 1 or ended.outcome is Outcome.FAILED:
            self._bucket.delete_folder(layout.parts(task.job, task.item))

    def undo(self, task: Task) -> None:
        """An attempt does not count: what it wrote goes."""
        if task.kind is Kind.PART:  # nobody will merge what its sisters left either
            self._bucket.delete_folder(f"{layout.parts(task.job, task.item)}/{task.parts}")
        else:
            self._bucket.delete_folder(layout.attempt(task.job, task.item, task.attempt))
            if task.kind is Kind.ITEM:
                self._bucket.delete_folder(f"{layout.parts(task.job, task.item)}/{task.attempt}")

    def _part(self, task: Task, plan: Plan, item: Item) -> None:
        parts = self._parts.group(task, plan.pipeline)
        with self._inputs.entry(item) as entry, entry.open() as file:
            images = named(file.images, item.name)
            made = [self._processed(plan, images[number], part) for number, part in parts]
        self._parts.keep(task, plan.pipeline, made)

    def _digest(self, item: Item) -> str:
        """That of an item which could not be opened, where that can be read."""
        with suppress(Exception), self._inputs.entry(item) as entry:
            return entry.digest()
        return ""

    def _item(self, task: Task, plan: Plan, item: Item, facts: _Facts) -> Ended | Fanned:
        watch, begun = Stopwatch(), time.perf_counter()
        with self._inputs.entry(item) as entry, ExitStack() as stack:
            with watch("open"):
                images = named(stack.enter_context(entry.open()).images, item.name)
            facts.images = len(images)
            if task.kind is Kind.MERGE:
                counts, partials = self._parts.kept(task, plan.pipeline)
            else:
                with watch("split"):
                    split = [plan.pipeline.split(image) for image in images]
                groups = divided(split)
                if len(groups) > 1:
                    self._parts.begin(task, plan.pipeline, split, groups)
                    return Fanned(len(groups))
                counts = [len(parts) for parts in split]
                partials = (
                    self._processed(plan, image, part)
                    for image, parts in zip(images, split, strict=True)
                    for part in parts
                )
            with watch("hash"):
                facts.sha256 = entry.digest()
            made = self._images(task, plan, item, images, counts, partials, watch)
            done = ItemRecord(
                item.name,
                "done",
                made.objects,
                facts.images,
                watch.seconds,
                sha256=facts.sha256,
                outputs=tuple(made.outputs),
                wire_bytes=facts.wire_bytes,
                ran=plan.ran,
            )
        tables = joined(made.tables), joined(made.classes)
        record.write(self._bucket, task.job, task.item, task.attempt, done, *tables)
        return Ended(Outcome.DONE, done.objects, time.perf_counter() - begun)

    def _images(
        self,
        task: Task,
        plan: Plan,
        item: Item,
        images: Sequence[Image],
        counts: Sequence[int],
        partials: Iterator[Partial],
        watch: Stopwatch,
    ) -> _Made:
        """Merge and write each of a file's images, of which there are so many partials each."""
        made, how = _Made(), (plan.pipeline.name, plan.pipeline.objects)
        stems = series_stems(item.stem, len(images), item.taken)
        key = layout.attempt(task.job, task.item, task.attempt)
        with self._folder(key) as out:
            for number, (image, stem) in enumerate(zip(images, stems, strict=True)):
                own = islice(partials, counts[number])
                with self._thread_folder() as scratch:
                    result = plan.pipeline.merge(image, own, scratch)
                    watch.add(result.seconds)
                    for _ in own:  # those that the pipeline left are not the next image's
                        pass
                    check()
                    with watch("write"):
                        plan.outputs.write(out, str(number), image, result, *how)
                made.objects += result.count
                made.tables += [result.table] if result.table is not None else []
                made.classes += [one for one in [result.tables.get("classes")] if one is not None]
                for end in plan.outputs.ends(plan.products):
                    size = _bytes(out / f"{number}{end}")
                    made.outputs.append(Output(f"{stem}{end}", f"{key}/{number}{end}", size))
        return made

    def _processed(self, plan: Plan, image: Image, part: Part) -> Partial:
        check()
        return plan.pipeline.process(image, part, plan.models)

    @contextmanager
    def _thread_folder(self) -> Iterator[Path]:
        """An empty folder of this thread's, which is kept: few merges leave anything there."""
        path = self._scratch / str(get_ident())
        path.mkdir(exist_ok=True)
        try:
            yield path
        finally:
            if os.listdir(path):  # noqa: PTH208 - asks only whether there is anything
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _folder(self, key: str) -> Iterator[Path]:
        """A folder whose files are objects below ``key`` at the end of the block.

        Of a bucket that is a folder it is the place itself: nobody looks there before the attempt
        counts.
        """
        path = self._bucket.path(key)
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)
            for file in sorted(Path(folder).iterdir()):
                self._bucket.put_file(f"{key}/{file.name}", file, move=True)


@dataclass(slots=True)
class _Facts:
    """What was found of an item so far."""

    images: int = 0
    sha256: str = ""
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def wire_bytes(self) -> dict[str, int]:
        """Bytes to and from a model server."""
        return {"sent": self.traffic.sent, "received": self.traffic.received}


@dataclass(slots=True)
class _Made:
    """What came of the images of a file."""

    objects: int = 0
    outputs: list[Output] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    classes: list[pa.Table] = field(default_factory=list)


def keep_only(bucket: Bucket, job: str, item: int, attempt: int) -> None:
    """Remove what other attempts at an item left."""
    own = f"{layout.attempt(job, item, attempt)}/"
    found = bucket.list(layout.results(job, item))
    bucket.delete([one.key for one in found if not one.key.startswith(own)])


def passes(error: BaseException) -> bool:
    """Whether that is no fault of the item: it may be done at another time, or elsewhere."""
    return isinstance(error, Interrupted | TemporaryError) or is_full(error)


def is_full(error: BaseException) -> bool:
    """Whether there is no room for results."""
    cause = error.__cause__ if isinstance(error, OutputError) else error
    return isinstance(error, BucketFullError) or is_of_disk(cause)


def full(error: BaseException) -> str:
    """Why there is no room, in words that tell a user nothing of where the bucket is."""
    cause = error.__cause__ if isinstance(error, OutputError) else error
    if isinstance(cause, OSError) and cause.errno not in (errno.ENOSPC, errno.EDQUOT):
        return f"results cannot be written now ({cause.strerror})"
    return str(BucketFullError())


def _bytes(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        return sum(file.stat().st_size for file in files)
    return path.stat().st_size
