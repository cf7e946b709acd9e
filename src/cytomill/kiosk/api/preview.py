"""Previews: a small picture of an image with the outlines of what was found in it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray

from ...batch.overlay import write_overlay
from ...image.core import Image
from ...jobs.errors import ConflictError
from ...jobs.items import Item, read
from ...jobs.job import Job
from .. import opening
from ..backend import Backend
from ..cache import Cache
from ..record import ItemRecord
from .common import Held, JobId, Reader, find_job
from .items import ItemIndex
from .results import finished

router = APIRouter(tags=["results"])

#: Previews that are made at once: each reads an image.
AT_ONCE = 2

#: What is done of an image stays as it is; another user of the same browser is not shown it.
_KEPT = {"Cache-Control": "private, max-age=86400", "Vary": "Authorization, Cookie"}

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
        return _drawn(held, cache, job, index, found, size)

    return Response(await run_sync(make, limiter=limiter), 200, _KEPT, "image/png")


def _drawn(
    held: Backend, cache: Cache, job: Job, index: int, found: ItemRecord, size: int
) -> bytes:
    (item,) = read(held.bucket, job.id, index, 1)
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="cytomill-") as folder:
        _check_size(held, item)
        images = opening.images(stack, held, cache, job, item)
        image, stem = images[0], opening.stems(item, len(images))[0]
        if image.shape[3] * image.shape[4] > _PIXELS:
            raise ConflictError(f"{item.name}: is too large for a preview; download its results")
        labels = opening.labels(stack, held, cache, found.outputs, stem)
        path = Path(folder, "preview.png")
        write_overlay(
            path, image, _none(image) if labels is None else _Labels(labels), longest=size
        )
        return path.read_bytes()


def _check_size(held: Backend, item: Item) -> None:
    """Raise `ConflictError` for a file that takes long to fetch."""
    bucket = opening.bucket_of(held, item)
    if bucket.path(item.key) is None and (bucket.size(item.key) or 0) > _BYTES:
        raise ConflictError(f"{item.name}: is too large for a preview; download its results")


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
