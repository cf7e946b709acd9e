"""What a run and a consumer do alike with an input: names of its images, tables, failures."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from ..errors import CytomillError
from ..image.core import Image
from ..image.names import shown

#: Faults of the disk of the results, which the next image would meet too.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def named(images: Sequence[Image], name: str) -> list[Image]:
    """The images of the input ``name``, called by its name, of several with ``#`` and a number."""
    if len(images) == 1:
        return [replace(images[0], name=name)]
    return [replace(image, name=f"{name}#{number}") for number, image in enumerate(images)]


def joined(tables: Sequence[pa.Table]) -> pa.Table | None:
    """The tables of an input's images put together; None where there are none."""
    return pa.concat_tables(tables, promote_options="default") if tables else None


def is_of_disk(error: BaseException | None) -> bool:
    """Whether a fault is that of a disk."""
    return isinstance(error, OSError) and error.errno in _DISK


def reason(error: Exception, name: str) -> str:
    """Why the input ``name`` failed, on one line."""
    if isinstance(error, CytomillError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = f"{name}: does not fit in memory; use fewer --threads"
    else:
        text = (
            f"{name}: could not be processed ({type(error).__name__}: {error}); please report this"
        )
    return shown(" ".join(text.split()))
