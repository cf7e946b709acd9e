"""The items of a job: listed once, in pages in the bucket, so that the queue needs a byte each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from . import layout
from .bucket import Bucket


@dataclass(frozen=True, slots=True)
class Item:
    """One input: ``name`` is a clean posix path, unique in the job, as `cytomill run` has it.

    ``key`` says where its bytes lie, below the prefix of ``source``, which is empty for the kiosk's
    own bucket; of OME-Zarr it is a folder. ``entry`` is the member's name where that is a zip.
    ``stem`` is the path of its results less their endings.
    """

    name: str
    key: str
    stem: str
    source: str = ""
    entry: str = ""


def write_page(bucket: Bucket, job: str, page: int, items: Iterable[Item]) -> None:
    """Write a page of at most `layout.PAGE` items."""
    lines = (json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items)
    bucket.put(layout.items(job, page), "".join(lines).encode())


def read_page(bucket: Bucket, job: str, page: int) -> list[Item]:
    """The items of a page. Raises `MissingError` where it was not written."""
    text = bucket.get(layout.items(job, page)).decode()
    return [Item(**json.loads(line)) for line in text.splitlines()]


def read(bucket: Bucket, job: str, first: int, count: int) -> list[Item]:
    """Items ``first`` to ``first + count - 1``, or those of them that there are."""
    found: list[Item] = []
    for page in range(first // layout.PAGE, (first + count - 1) // layout.PAGE + 1):
        start = page * layout.PAGE
        rows = read_page(bucket, job, page)
        found += rows[max(0, first - start) : first + count - start]
    return found
