"""The items of a job: listed once, in pages in the bucket, so that the queue needs a byte each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import layout
from .bucket import Bucket


@dataclass(frozen=True, slots=True)
class Item:
    """One input: ``name`` is a clean posix path, unique in the job, as `cytomill run` has it.

    ``key`` says where its bytes lie, below the prefix of ``source``, which is empty for the kiosk's
    own bucket; of OME-Zarr it is a folder. ``entry`` says what of it is meant where that is a zip.
    ``stem`` is the path of its results less their endings. ``taken`` are stems of other items,
    case folded, that those of its images must not be where it has several. ``axes`` and
    ``pixel_size``, in µm, are what the user says of its images where their file is wrong; else
    empty and 0.
    """

    name: str
    key: str
    stem: str
    source: str = ""
    entry: str = ""
    taken: tuple[str, ...] = ()
    axes: str = ""
    pixel_size: float = 0.0


def write_page(bucket: Bucket, job: str, page: int, items: Iterable[Item]) -> None:
    """Write a page of at most `layout.PAGE` items."""
    lines = (json.dumps(_row(item), ensure_ascii=False) + "\n" for item in items)
    bucket.put(layout.items(job, page), "".join(lines).encode())


def read_page(bucket: Bucket, job: str, page: int) -> list[Item]:
    """The items of a page. Raises `MissingError` where it was not written."""
    text = bucket.get(layout.items(job, page)).decode()
    # Not splitlines: a name may have what else it takes for the end of a line.
    return [_item(json.loads(line)) for line in text.split("\n")[:-1]]


def read(bucket: Bucket, job: str, first: int, count: int) -> list[Item]:
    """Items ``first`` to ``first + count - 1``, or those of them that there are."""
    found: list[Item] = []
    for page in range(first // layout.PAGE, (first + count - 1) // layout.PAGE + 1):
        start = page * layout.PAGE
        rows = read_page(bucket, job, page)
        found += rows[max(0, first - start) : first + count - start]
    return found


def read_some(bucket: Bucket, job: str, indices: Iterable[int]) -> dict[int, Item]:
    """Those of the items ``indices`` that there are; a page is read once for all of them."""
    wanted: dict[int, list[int]] = {}
    for index in indices:
        wanted.setdefault(index // layout.PAGE, []).append(index)
    found: dict[int, Item] = {}
    for page, some in wanted.items():
        lines = bucket.get(layout.items(job, page)).decode().split("\n")[:-1]
        for index in some:
            place = index - page * layout.PAGE
            if place < len(lines):
                found[index] = _item(json.loads(lines[place]))
    return found


def _row(item: Item) -> dict[str, Any]:
    """What is not as usual of an item: a job may have millions."""
    row: dict[str, Any] = {"name": item.name, "key": item.key, "stem": item.stem}
    for field in ("source", "entry", "taken", "axes", "pixel_size"):
        if value := getattr(item, field):
            row[field] = value
    return row


def _item(row: dict[str, Any]) -> Item:
    return Item(**{**row, "taken": tuple(row.get("taken", ()))})
