"""Doing the parts of a task over which a consumer died, so that only the deadly one is lost.

What came of each part is kept at once, and before a part is begun, that it is. A part that was
begun and did not end is the one that the consumer died over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from ..image.core import Image
from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.queue import TRIES
from ..jobs.task import Task
from ..pipelines.base import Part, Partial, Pipeline
from .parts import modules
from .plans import Plan
from .portable import dump, load

#: Deaths over a part after which it is not tried again: at the second it was alone in hand. When
#: its task is tried for the last time one is enough.
_DEATHS = 2

_DIED = (
    "the program that worked on it died or hung, again and again; the file may be damaged, or "
    "need more memory than there is"
)

Do = Callable[[Plan, Image, Part], Partial]


def can_lose(pipeline: Pipeline[Any]) -> bool:
    """Whether a pipeline might do without a part."""
    return type(pipeline).lost is not Pipeline.lost


class Careful:
    """Keeps in the bucket how parts fared."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def doing(self, task: Task, do: Do) -> Do:
        """``do`` with care, for one part of ``task`` after the other, all of them in order."""
        places = (
            layout.risk(task.job, task.item, task.parts, task.part, index) for index in count()
        )

        def carefully(plan: Plan, image: Image, part: Part) -> Partial:
            place = next(places)
            told = {one.key.removeprefix(f"{place}/") for one in self._bucket.list(place)}
            if "made" in told:
                kept: Partial = load(self._bucket.get(f"{place}/made"), modules(plan.pipeline))
                return kept
            if len(told) >= (_DEATHS if task.tries < TRIES - 1 else 1):
                partial = plan.pipeline.lost(image, part, f"{image.name}: {_DIED}")
                if partial is not None:
                    return partial
            with self._begun(f"{place}/{task.tries}"):
                partial = do(plan, image, part)
            self._bucket.put(f"{place}/made", memoryview(dump(partial, modules(plan.pipeline))))
            return partial

        return carefully

    @contextmanager
    def _begun(self, key: str) -> Iterator[None]:
        """Says that a part was begun to those that come after, should this program die."""
        self._bucket.put(key, b"")
        try:
            yield
        except BaseException:
            self._bucket.delete([key])
            raise
