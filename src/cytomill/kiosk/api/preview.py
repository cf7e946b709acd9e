"""Previews: a small picture of an image with the outlines of what was found in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray

from ...batch.overlay import write_overlay
from ...batch.run import make_pipeline
from ...errors import InputError
from ...image.core import Image
from ...image.entry import PathSource
from ...jobs.errors import ConflictError, MissingError
from ...jobs.items import Item, read
from ...jobs.job import Job
from ...pipelines.base import Pipeline
from ...pipelines.registry import find
from ..backend import Backend
from ..cache import Cache
from ..inputs import located
from ..record import Output
from .common import Held, JobId, Reader, find_job
from .items import ItemIndex
from .results import finished

router = APIRouter(tags=["results"])

#: Previews that are made at once: each reads an image.
AT_ONCE = 2

#: Pixels of a plane above which none is made, and bytes of a file that is fetched for one.
_PIXELS, _BYTES = 2**28, 2**31


@router.get(
    "/jobs/{job_id}/items/{index}/preview.png",
    response_class=Response,
    responses={
        200: {
            "description": "A PNG.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def preview(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    caller: Reader,
    held: Held,
    size: Annotated[int, Query(ge=16, le=2048, description="Longest edge in pixels.")] = 512,
) -> Response:
    """A picture of an image that is done, with the outlines of its objects.

    Of a stack or movie the plane in the middle of its first frame. 409 where there is none.
    """
    cache: Cache = request.app.state.cache
    limiter: CapacityLimiter = request.app.state.previews

    def make() -> bytes:
        job = find_job(held.queue, caller, job_id)
        _, found = finished(held, job, index)
        return _drawn(held, cache, job, index, found.outputs, size)

    return Response(await run_sync(make, limiter=limiter), media_type="image/png")


def _drawn(
    held: Backend, cache: Cache, job: Job, index: int, outputs: tuple[Output, ...], size: int
) -> bytes:
    (item,) = read(held.bucket, job.id, index, 1)
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="cytomill-") as folder:
        image = _seen(_image(stack, held, cache, item), job)
        if image.shape[3] * image.shape[4] > _PIXELS:
            raise ConflictError(f"{item.name}: is too large for a preview; download its results")
        labels = _labels(stack, held, cache, outputs)
        path = Path(folder, "preview.png")
        write_overlay(path, image, _none(image) if labels is None else labels, longest=size)
        return path.read_bytes()


def _seen(image: Image, job: Job) -> Image:
    """The image as the job's pipeline takes it, for its labels are of that."""
    if find(job.pipeline).view is Pipeline.view:  # models need not be looked up
        return image
    return make_pipeline(job.pipeline, job.options).view(image)


def _image(stack: ExitStack, held: Backend, cache: Cache, item: Item) -> Image:
    """The first image of an item."""
    bucket = held.sources.get(item.source) if item.source else held.bucket
    if bucket is None:
        raise ConflictError(f"{item.name}: its source {item.source!r} is no longer here")
    if bucket.path(item.key) is None and (bucket.size(item.key) or 0) > _BYTES:
        raise ConflictError(f"{item.name}: is too large for a preview; download its results")
    try:
        found = stack.enter_context(located(cache, bucket, item))
        return stack.enter_context(found.open()).images[0]
    except MissingError:
        raise MissingError(f"{item.name}: the image itself has been deleted") from None
    except InputError as error:  # where the file lies on this server is nobody's business
        raise InputError(item.name, error.fault, error.advice) from None


def _labels(
    stack: ExitStack, held: Backend, cache: Cache, outputs: tuple[Output, ...]
) -> _Labels | None:
    """The labels of the first image; None where the pipeline gives none."""
    for one in outputs:
        if one.name.endswith(("_labels.tif", ".ome.zarr")):
            path = stack.enter_context(cache.local(held.bucket, one.key))
            if path.is_dir():
                found = next(_inside(path), None)
                if found is None:
                    continue  # a map
                path = found
            return _Labels(stack.enter_context(PathSource(path).open()).images[0])
    return None


def _inside(folder: Path) -> Iterator[Path]:
    """The label images of an OME-Zarr folder."""
    labels = folder / "labels"
    return (path for path in sorted(labels.glob("*")) if path.is_dir())


class _Labels:
    """A label image as a stack (t, z, y, x) of which rectangles can be read."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def __getitem__(self, place: tuple[int, int, slice, slice]) -> NDArray[Any]:
        t, z, y, x = place
        return self._image.read(t, 0, z, y, x)


def _none(image: Image) -> NDArray[np.uint8]:
    """Labels of no object, in the memory of one."""
    t, _, z, y, x = image.shape
    return np.broadcast_to(np.uint8(0), (t, z, y, x))
