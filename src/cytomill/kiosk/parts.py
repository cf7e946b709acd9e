"""Items of many parts: how they are divided, and what is kept of the parts until they are merged.

The parts that an item was split into are kept too: split is done once, and consumers that would
split otherwise, by their settings, do as the first one did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.task import Task
from ..pipelines.base import Part, Partial, Pipeline
from ..settings import settings
from .plans import Recent
from .portable import dump, load

#: Pixels of the model's grid that a task has at least, if there are: two or three tiles, a second
#: or two of a core. Smaller tasks would spend more on opening the image and on keeping what comes
#: of it.
_LEAST = 5 * settings.tile**2 // 2

#: Tasks up to which an item is rather done in one go.
_FEW = 4

#: The parts of one task: the number of the image in its file, and the part.
Group = list[tuple[int, Part]]


def divided(split: Sequence[Sequence[Part]], *, apart: bool = False) -> list[Group]:
    """The parts of a file's images as tasks, in their order; one task where more do not pay.

    ``apart`` makes a task of each part there.
    """
    groups: list[Group] = [[]]
    pixels = 0
    for number, parts in enumerate(split):
        for part in parts:
            if pixels >= _LEAST:
                groups.append([])
                pixels = 0
            groups[-1].append((number, part))
            pixels += prod(part.core.shape) * part.frames * part.depth
    if len(groups) > _FEW:
        return groups
    pairs = [pair for group in groups for pair in group]
    return [[pair] for pair in pairs] if apart else [pairs]


class Parts:
    """The parts of items, in the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._split: Recent[str, tuple[list[int], list[Group]]] = Recent(8)

    def begin(
        self,
        task: Task,
        pipeline: Pipeline[Any],
        split: Sequence[Sequence[Part]],
        groups: Sequence[Group],
    ) -> None:
        """Keep the parts that ``task`` divides its item into."""
        counts = [len(parts) for parts in split]
        data = dump([counts, list(groups)], modules(pipeline))
        self._bucket.put(_split_key(task, task.attempt), memoryview(data))

    def group(self, task: Task, pipeline: Pipeline[Any]) -> Group:
        """The parts of a task. Raises `MissingError` where the item is done with."""
        return self._divided(task, pipeline)[1][task.part]

    def keep(self, task: Task, pipeline: Pipeline[Any], made: list[Partial]) -> None:
        """Keep what came of a task's parts. Raises `NotPortableError`."""
        key = layout.part(task.job, task.item, task.parts, task.part)
        self._bucket.put(key, memoryview(dump(made, modules(pipeline))))

    def kept(self, task: Task, pipeline: Pipeline[Any]) -> tuple[Sequence[int], Iterator[Partial]]:
        """How many parts each image has, and what came of them, in their order."""
        counts, groups = self._divided(task, pipeline)
        own = modules(pipeline)

        def partials() -> Iterator[Partial]:
            for number in range(len(groups)):
                key = layout.part(task.job, task.item, task.parts, number)
                yield from load(self._bucket.get(key), own)

        return counts, partials()

    def _divided(self, task: Task, pipeline: Pipeline[Any]) -> tuple[list[int], list[Group]]:
        key = _split_key(task, task.parts)

        def read() -> tuple[list[int], list[Group]]:
            counts, groups = load(self._bucket.get(key), modules(pipeline))
            return counts, groups

        return self._split.get(key, read)


def _split_key(task: Task, attempt: int) -> str:
    return f"{layout.parts(task.job, task.item)}/{attempt}/split"


def modules(pipeline: Pipeline[Any]) -> set[str]:
    """Where the dataclasses are that may be in a pipeline's parts and partials; see `portable`."""
    return {type(pipeline).__module__}
