"""What a job keeps of one image: its labels, maps and tables, and the image itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...batch.outputs import Outputs
from ...batch.steps import MEASUREMENTS
from ...errors import InputError
from ...image.core import Image
from ...image.entry import PathSource
from ...image.view import forgiving
from ...jobs.items import Item
from ...jobs.job import Job
from ...pipelines.base import Pipeline
from .. import opening, record
from ..backend import Backend
from ..cache import Cache
from ..record import ItemRecord


@dataclass(frozen=True, slots=True)
class JobKept:
    """A job, its pipeline, and which files it wrote."""

    backend: Backend
    cache: Cache
    job: Job
    pipeline: Pipeline[Any]
    outputs: Outputs


@dataclass(frozen=True)
class Kept:
    """What is kept of the image ``number`` of an item, in the ``attempt`` that counts.

    What is asked for is opened then, and open until ``stack`` ends. Everything raises `InputError`
    and `MissingError`.
    """

    of: JobKept
    item: Item
    index: int
    attempt: int
    record: ItemRecord
    number: int
    stem: str
    stack: ExitStack

    @property
    def name(self) -> str:
        """What tables call the image."""
        several = self.record.images > 1
        return f"{self.item.name}#{self.number}" if several else self.item.name

    @cached_property
    def labels(self) -> Image:
        """Its labels, as an image."""
        held, cache = self.of.backend, self.of.cache
        found = opening.labels(self.stack, held, cache, self.record.outputs, self.stem)
        if found is None:
            raise InputError(self.name, "has no labels", "")
        return replace(found, name=self.name)

    @cached_property
    def image(self) -> Image:
        """The image as the pipeline saw it, with the pixel size of its results."""
        held, cache = self.of.backend, self.of.cache
        found = opening.images(self.stack, held, cache, self.of.job, self.item)[self.number]
        # As when it was processed: lost frames of a movie are no reason to lose the others.
        seen = forgiving(found) if self.of.pipeline.movies else found
        return replace(seen, name=self.name)

    @cached_property
    def maps(self) -> Mapping[str, Image]:
        """Its maps, by the end of their files' names less what tells their format."""
        found = {}
        image = ".tif" if self.of.outputs.format == "tiff" else ".ome.zarr"
        keys = {one.name: one.key for one in self.record.outputs}
        for name in self.of.pipeline.products.maps:
            key = keys.get(f"{self.stem}_{name}{image}")
            if key is not None:
                bucket = self.of.backend.bucket
                path = self.stack.enter_context(self.of.cache.local(bucket, key))
                found[name] = self.stack.enter_context(PathSource(path).open()).images[0]
        return found

    @cached_property
    def tables(self) -> Mapping[str, pa.Table]:
        """The rows of its tables, by name."""
        bucket = self.of.backend.bucket
        with record.opened(bucket, self.of.job.id, self.index, self.attempt) as contents:
            found = dict(contents.tables)
            if contents.schema is not None:
                pieces = [contents.schema.empty_table(), *map(self._own, contents.rows)]
                found[MEASUREMENTS] = pa.concat_tables(pieces)
        return {name: self._own(table) for name, table in found.items()}

    def _own(self, table: pa.Table) -> pa.Table:
        if self.record.images == 1 or "image" not in table.column_names:
            return table
        return table.filter(pc.equal(table["image"], self.name))
