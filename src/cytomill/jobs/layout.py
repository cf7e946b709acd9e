"""Where things lie in the bucket.

No key but an upload's own files holds anything that a user wrote.
"""

from __future__ import annotations

#: Items of one page of a job's list.
PAGE = 10_000


def upload(name: str) -> str:
    """The folder of an upload."""
    return f"uploads/{name}"


def upload_files(name: str) -> str:
    """The folder of an upload's whole files: below it, their paths."""
    return f"uploads/{name}/files"


def upload_pieces(name: str, digest: str) -> str:
    """The folder of the pieces of a file; ``digest`` is the SHA-256 of its path in hex."""
    return f"uploads/{name}/pieces/{digest}"


def job(name: str) -> str:
    """The folder of a job."""
    return f"jobs/{name}"


def items(name: str, page: int) -> str:
    """A page of a job's items."""
    return f"jobs/{name}/items/{page:06d}.jsonl"


def results(name: str, item: int) -> str:
    """The folder of what attempts at an item wrote."""
    return f"jobs/{name}/results/{item:09d}"


def attempt(name: str, item: int, number: int) -> str:
    """The folder of one attempt at an item."""
    return f"{results(name, item)}/{number}"


def parts(name: str, item: int) -> str:
    """The folder of what came of an item's parts, until they are merged."""
    return f"jobs/{name}/parts/{item:09d}"


def part(name: str, item: int, number: int, part: int) -> str:
    """What came of a part of an item that attempt ``number`` fanned out."""
    return f"{parts(name, item)}/{number}/{part:06d}"


def risk(name: str, item: int, number: int, part: int, index: int) -> str:
    """The folder of what is known of one of the parts that a task has, when it has killed."""
    return f"{parts(name, item)}/{number}/risks/{part:06d}/{index:06d}"


def report(name: str) -> str:
    """The folder of the tables and the manifest of a job."""
    return f"jobs/{name}/report"
