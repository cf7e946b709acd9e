"""What a consumer does with one item."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..batch.steps import viewed
from ..image.core import Image
from ..inference.traffic import Traffic, counted
from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.items import Item
from ..jobs.task import Kind, Outcome, Task
from ..pipelines.base import Part, Partial
from ..pipelines.faults import is_of_work, reason
from ..pipelines.stopwatch import Stopwatch
from ..pipelines.trying import process
from . import record
from .careful import Careful, can_lose
from .inputs import Inputs
from .making import Making
from .parts import Parts, divided
from .plans import Plan, Plans
from .record import ItemRecord
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
        self._parts, self._making = Parts(bucket), Making(bucket, scratch)
        self._careful = Careful(bucket)

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
            if not is_of_work(error):
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
        if task.kind is Kind.PART and ended.outcome is Outcome.DONE:
            return  # it is to be merged yet, with its sisters
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
            images = viewed(plan.pipeline, file.images, item.name)
            do = self._careful.doing(task, self._processed) if task.tries else self._processed
            made = [do(plan, images[number], part) for number, part in parts]
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
                opened = stack.enter_context(entry.open()).images
                images = viewed(plan.pipeline, opened, item.name)
            facts.images = len(images)
            if task.kind is Kind.MERGE:
                counts, partials = self._parts.kept(task, plan.pipeline)
            else:
                with watch("split"):
                    split = [plan.pipeline.split(image) for image in images]
                groups = divided(split, apart=task.tries > 0 and can_lose(plan.pipeline))
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
            made = self._making.make(task, plan, item, images, counts, partials, watch)
            done = ItemRecord(
                item.name,
                "done",
                made.found.objects,
                facts.images,
                watch.seconds,
                sha256=facts.sha256,
                outputs=made.outputs,
                wire_bytes=facts.wire_bytes,
                ran=plan.ran,
                notes=made.found.notes,
            )
        record.write(self._bucket, task.job, task.item, task.attempt, done, made.found.tables)
        return Ended(Outcome.DONE, done.objects, time.perf_counter() - begun)

    def _processed(self, plan: Plan, image: Image, part: Part) -> Partial:
        check()
        return process(plan.pipeline, image, part, plan.models)


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


def keep_only(bucket: Bucket, job: str, item: int, attempt: int) -> None:
    """Remove what earlier attempts at an item left: half-written files and empty folders too."""
    for earlier in range(1, attempt):
        bucket.delete_folder(layout.attempt(job, item, earlier))
