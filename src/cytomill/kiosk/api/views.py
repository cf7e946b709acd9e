"""What a viewer reads of an image: its pixels and labels as OME-Zarr, measurements and tracks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from numpy.typing import NDArray

from ...jobs.errors import MissingError
from ..backend import Backend
from ..view.described import documents
from ..view.errors import NotYetError
from ..view.geometry import CHUNK
from ..view.look import Kind, Look
from ..view.rows import Measurements, check, place_of
from ..view.target import Target, Targets
from ..view.views import Views
from .auth import Caller
from .common import Held, JobId, Reader, find_job
from .encoding import VARY, encoded, known
from .items import ItemIndex
from .problems import RefusedError
from .row_queries import SoughtCell, WantedRows
from .view_answers import described, page, sampled, tracks_page
from .view_schemas import MeasurementsAnswer, TracksAnswer, ViewAnswer

router = APIRouter(tags=["results"])

#: Requests that are answered at once: each may read a few megabytes of pixels.
AT_ONCE = 6

#: Seconds for which a browser need not ask again for what it has; results do not change.
_KEPT = 3600

ImageNumber = Annotated[
    int, Path(ge=0, le=2**20, description="Which of the images of the file, from 0.")
]
ZarrPath = Annotated[
    str, Path(max_length=100, description="A path in it: `.zattrs`, `0/0/0/0/0/0`.")
]

_ZARR: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Metadata as JSON, or a chunk as bytes.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": {}},
        },
    },
    304: {"description": "It is what If-None-Match names."},
}

T = TypeVar("T")


@router.get("/jobs/{job_id}/items/{index}/view")
async def view(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    caller: Reader,
    held: Held,
    after: Annotated[
        int, Query(ge=0, le=2**20, description="The first image of the file, as `next` says.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=50, description="Images of a page.")] = 10,
) -> ViewAnswer:
    """What a viewer can show of an image, and what has been measured of it.

    Of an image that is not done there are its pixels alone; of one whose file has been deleted, its
    labels. 503 with `Retry-After` while it is fetched.
    """
    views: Views = request.app.state.views
    measurements: Measurements = request.app.state.measurements

    def look() -> ViewAnswer:
        target = _target(request, held, caller, job_id, index)
        with views.looks(target) as looks:
            end = after + limit
            return ViewAnswer(
                images=[described(views, measurements, one) for one in looks[after:end]],
                next=end if end < len(looks) else None,
            )

    return await _read(request, look)


@router.get(
    "/jobs/{job_id}/items/{index}/view/{image}/image.zarr/{path:path}",
    response_class=Response,
    responses=_ZARR,
)
async def image_zarr(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    image: ImageNumber,
    path: ZarrPath,
    caller: Reader,
    held: Held,
) -> Response:
    """The pixels of an image as its pipeline saw them: a file of an OME-Zarr 0.4.

    Axes are t, c, z, y, x; chunks are of one plane, 512 pixels wide and not compressed but as
    `Accept-Encoding` allows. Types are uint8, uint16 and float32. Any reader of Zarr can open it.
    503 with `Retry-After` for chunks of large images that are still being made.
    """
    return await _zarr(request, held, caller, (job_id, index, image), "image", path)


@router.get(
    "/jobs/{job_id}/items/{index}/view/{image}/labels.zarr/{path:path}",
    response_class=Response,
    responses=_ZARR,
)
async def labels_zarr(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    image: ImageNumber,
    path: ZarrPath,
    caller: Reader,
    held: Held,
) -> Response:
    """The labels of an image in the same form: of one channel, of type uint16 or uint32."""
    return await _zarr(request, held, caller, (job_id, index, image), "labels", path)


@router.get(
    "/jobs/{job_id}/items/{index}/measurements",
    response_class=Response,
    responses={200: {"model": MeasurementsAnswer}},
)
async def measurements(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    caller: Reader,
    held: Held,
    wanted: WantedRows,
    sought: SoughtCell,
    image: Annotated[int, Query(ge=0, le=2**20, description="Which image of the file.")] = 0,
    columns: Annotated[
        str | None, Query(max_length=10_000, description="Names with commas; all by default.")
    ] = None,
    after: Annotated[int, Query(ge=0, le=2**40, description="The first row, as `next` says.")] = 0,
    limit: Annotated[int, Query(ge=1, le=50_000, description="Rows of a page.")] = 1000,
    sample: Annotated[
        int | None,
        Query(ge=1, le=100_000, description="Instead of a page so many rows from all of them."),
    ] = None,
) -> Response:
    """Rows of what was measured of an image, column by column; none where it is not done.

    An answer has fewer rows than asked for where they would be more than 1 MB. With `find` it says
    too in `place` which of all rows is that of a cell, from 0.
    """
    held_tables: Measurements = request.app.state.measurements

    def look() -> Response:
        target = _target(request, held, caller, job_id, index)
        table, rows = held_tables.rows(target, image, wanted)
        names = [name for name in table.columns if name != "image"]
        if columns is not None:
            names = list(dict.fromkeys(columns.split(",")))
            check(table, names)
        if sample is not None:
            data = sampled(table, names, rows, sample)
        else:
            place = place_of(table, rows, sought) if sought else None
            data = page(table, names, rows, after, limit, place)
        return encoded(request, data, "application/json")

    return await _read(request, look)


@router.get("/jobs/{job_id}/items/{index}/tracks")
async def tracks(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    caller: Reader,
    held: Held,
    image: Annotated[int, Query(ge=0, le=2**20, description="Which image of the file.")] = 0,
    after: Annotated[int, Query(ge=0, le=2**40, description="The first, as `next` says.")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000, description="Tracks of a page.")] = 1000,
) -> TracksAnswer:
    """Tracks of an image, in order of label; none where nothing was followed.

    Where the cells are the measurements say, in `centroid-0` and `centroid-1`.
    """
    held_tables: Measurements = request.app.state.measurements

    def look() -> TracksAnswer:
        target = _target(request, held, caller, job_id, index)
        return tracks_page(*held_tables.tracks(target, image), after, limit)

    return await _read(request, look)


async def _zarr(
    request: Request,
    held: Backend,
    caller: Caller,
    place: tuple[str, int, int],
    kind: Kind,
    path: str,
) -> Response:
    """A file of a virtual OME-Zarr."""
    views: Views = request.app.state.views
    job_id, index, number = place

    def look() -> Response:
        target = _target(request, held, caller, job_id, index)
        with views.look(target, number) as found:
            tag = f'"{hashlib.sha256(repr((found.key(kind), path)).encode()).hexdigest()[:32]}"'
            # Weak, for it is the same however the answer is packed.
            headers = {"ETag": f"W/{tag}", "Cache-Control": f"private, max-age={_KEPT}"}
            if known(request, tag):
                return Response(status_code=304, headers={**headers, **VARY})
            data, media_type = _file(views, found, kind, path)
            return encoded(request, data, media_type, headers)

    return await _read(request, look)


def _file(views: Views, look: Look, kind: Kind, path: str) -> tuple[bytes, str]:
    pyramid = look.pyramid(kind)
    place = pyramid.geometry.place(path)
    if place is not None:
        return _full(views.chunk(look, kind, place)), "application/octet-stream"
    if path.rpartition("/")[2].startswith(".z"):
        found = documents(pyramid, views.channels(look) if kind == "image" else None)
        if path in found:
            return json.dumps(found[path]).encode(), "application/json"
    raise MissingError(f"{path!r}: this OME-Zarr has no such file")


def _full(pixels: NDArray[Any]) -> bytes:
    """A chunk as a file of Zarr has it: filled up to its size at the edges of a level."""
    if pixels.shape != (CHUNK, CHUNK):
        filled = np.zeros((CHUNK, CHUNK), pixels.dtype)
        filled[: pixels.shape[0], : pixels.shape[1]] = pixels
        pixels = filled
    return pixels.tobytes()


def _target(request: Request, held: Backend, caller: Caller, job_id: str, index: int) -> Target:
    """The item to look at. Raises `MissingError` where there is none that is the caller's."""
    targets: Targets = request.app.state.targets
    return targets.get(find_job(held.queue, caller, job_id), index)


async def _read(request: Request, function: Callable[[], T]) -> T:
    """What ``function`` gives, a few at once."""
    limiter: CapacityLimiter = request.app.state.viewing
    try:
        return await run_sync(function, limiter=limiter)
    except NotYetError as error:
        raise RefusedError(
            503, "not_yet", str(error), "ask again in a moment", {"Retry-After": "1"}
        ) from None
