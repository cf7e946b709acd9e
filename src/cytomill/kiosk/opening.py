"""An item opened to be looked at: its images as its job's pipeline saw them, and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..batch.run import make_pipeline
from ..errors import InputError
from ..image.core import Image
from ..image.entry import PathSource
from ..image.names import series_stems
from ..image.view import named
from ..jobs.bucket import Bucket
from ..jobs.errors import ConflictError, MissingError
from ..jobs.items import Item
from ..jobs.job import Job
from ..pipelines.base import Pipeline
from ..pipelines.registry import find
from .backend import Backend
from .cache import Cache
from .inputs import located
from .place import is_fault, source
from .record import Output
from .retelling import Retold


def bucket_of(held: Backend, item: Item) -> Bucket:
    """Where the bytes of an item are. Raises `ConflictError` where that is here no more."""
    bucket = held.sources.get(item.source) if item.source else held.bucket
    if bucket is None:
        raise ConflictError(f"{item.name}: its source {item.source!r} is no longer here")
    return bucket


def images(stack: ExitStack, held: Backend, cache: Cache, job: Job, item: Item) -> list[Image]:
    """The images of an item, open until ``stack`` ends; labels are of what the pipeline saw.

    Raises `MissingError` where it has been deleted, and `InputError`, in which nothing tells where
    it lies.
    """
    try:
        if is_fault(item.entry):
            found = source(item.entry, Path())
        else:
            found = stack.enter_context(located(cache, bucket_of(held, item), item))
        return [
            _seen(one, job) for one in named(stack.enter_context(found.open()).images, item.name)
        ]
    except MissingError:
        raise MissingError(f"{item.name}: the image itself has been deleted") from None
    except InputError as error:  # where the file lies on this server is nobody's business
        raise InputError(item.name, error.fault, error.advice) from None


def labels(
    stack: ExitStack, held: Backend, cache: Cache, outputs: Sequence[Output], stem: str
) -> Image | None:
    """The labels among ``outputs`` of the image of this output stem; None where there are none.

    They are open until ``stack`` ends. Raises `MissingError`, `InputError`.
    """
    for one in outputs:
        if one.name not in (f"{stem}_labels.tif", f"{stem}.ome.zarr"):
            continue
        path = stack.enter_context(cache.local(held.bucket, one.key))
        if path.is_dir():
            # Without labels in it, it is a map.
            inside = sorted(below for below in (path / "labels").glob("*") if below.is_dir())
            if not inside:
                continue
            path = inside[0]
        found = Retold(PathSource(path), str(path), one.name)
        return stack.enter_context(found.open()).images[0]
    return None


def stems(item: Item, count: int) -> list[str]:
    """The output stem of each image of an item that has ``count``."""
    return series_stems(item.stem, count, item.taken)


def _seen(image: Image, job: Job) -> Image:
    if find(job.pipeline).view is Pipeline.view:  # models need not be looked up
        return image
    try:
        return make_pipeline(job.pipeline, job.options).view(image)
    except InputError:  # it has failed for that; what it is can be seen all the same
        return image
