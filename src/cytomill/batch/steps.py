"""What a run and a consumer do alike with an input: its images, and what came of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ..image.core import Image
from ..image.view import named
from ..pipelines.base import Pipeline, Products, Result
from ..pipelines.faults import on_one_line

#: The table that every pipeline may give, of `Result.table`: a row for each object.
MEASUREMENTS = "measurements"


def viewed(pipeline: Pipeline[Any], images: Sequence[Image], name: str) -> list[Image]:
    """The images of the input ``name`` as ``pipeline`` takes them.

    They are called as `named` says. Raises `InputError`.
    """
    return [pipeline.view(one) for one in named(images, name)]


class Found:
    """What came of an input besides files, while one image after the other is done."""

    def __init__(self, products: Products, images: int) -> None:
        self._products, self._images = products, images
        self._tables: dict[str, list[pa.Table]] = {}
        self._notes: list[str] = []
        self._done = 0
        #: Objects in all its images.
        self.objects = 0

    def add(self, result: Result) -> None:
        """What came of the next image."""
        self.objects += result.count
        if result.table is not None:
            self._tables.setdefault(MEASUREMENTS, []).append(result.table)
        for name in self._products.tables:
            self._tables.setdefault(name, []).append(result.tables[name])
        which = f"image {self._done}: " if self._images > 1 else ""
        self._notes += [on_one_line(which + note) for note in result.notes]
        self._done += 1

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables of all images put together, by name."""
        return {
            name: pa.concat_tables(tables, promote_options="default")
            for name, tables in self._tables.items()
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on all images, each of which says on which, where there are several."""
        return tuple(self._notes)
