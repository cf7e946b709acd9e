"""Results: file by file, the tables of the whole job, and all of it as one zip."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from ...jobs import layout
from ...jobs.bucket import Bucket
from ...jobs.errors import ConflictError, MissingError
from ...jobs.job import Job
from ..backend import Backend
from ..record import ItemRecord, Output
from .common import ROOT, Held, JobId, Reader, find_job
from .formats import members
from .items import ItemIndex
from .reading import done, in_order, record
from .schemas import FileAnswer
from .sending import attached, begun, send, streamed
from .zipping import Member, zipped

router = APIRouter(tags=["results"])

#: Seconds for which an address that the bucket signed is good.
_SIGNED = 600

#: A name of a file, of which only those that are there lead anywhere.
FileName = Annotated[str, Path(description="The name of a file.", max_length=2000)]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ZIP = {"application/zip": _BINARY}
_FILE = {"application/octet-stream": _BINARY}

_SENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": _FILE},
    206: {"description": "The part of it that Range names.", "content": _FILE},
    304: {"description": "It is what If-None-Match names."},
}


@router.get(
    "/jobs/{job_id}/items/{index}/outputs/{name:path}",
    response_class=Response,
    responses={
        **_SENT,
        200: {"description": "The file, or the folder.", "content": {**_FILE, **_ZIP}},
        307: {"description": "It is at Location, for a while, without a token."},
    },
)
def output(
    request: Request,
    job_id: JobId,
    index: ItemIndex,
    name: FileName,
    caller: Reader,
    held: Held,
    redirect: Annotated[
        bool, Query(description="Send the bucket's own address instead, where it has one.")
    ] = False,
) -> Response:
    """A file of an image's results; a folder as a zip, or a file below it."""
    job = find_job(held.queue, caller, job_id)
    attempt, found = finished(held, job, index)
    one, below = _named(found.outputs, name)
    key = f"{one.key}/{below}" if below else one.key
    if one.folder and not below:
        files = _files(held.bucket, one)
        members = (Member(name, held.bucket.stream(key)) for name, key in files)
        headers = attached(f"{one.name}.zip")
        return StreamingResponse(begun(zipped(members)), 200, headers, "application/zip")
    if redirect:
        address = held.bucket.sign(key, "GET", _SIGNED)
        if address is not None:
            return RedirectResponse(address, 307)
    tag = f"{job.id}-{index}-{attempt}-{zlib.crc32(name.encode()):08x}"
    return send(request, held.bucket, key, name, tag)


def finished(held: Backend, job: Job, index: int) -> tuple[int, ItemRecord]:
    """The attempt at an image that counts, and its record.

    Raises `MissingError` where there is no such image, `ConflictError` where it is not done.
    """
    states = held.queue.states(job, index, 1)
    if not states:
        raise MissingError(f"job {job.id} has no image {index}; it has {job.items}")
    state, attempt = states[0]
    if state != "done":
        raise ConflictError(f"image {index} is {state}: it has no results")
    found = record(held.bucket, job, index, attempt)
    if found is None:
        raise MissingError(f"the results of image {index} are gone")
    return attempt, found


def _named(outputs: Iterable[Output], name: str) -> tuple[Output, str]:
    """The output ``name``, or the folder in which it is and the path below that."""
    for one in outputs:
        if one.name == name:
            return one, ""
        below = name.removeprefix(f"{one.name}/")
        if one.folder and below != name:
            parts = below.split("/")
            if not {"", ".", ".."} & set(parts) and below.isprintable() and "\\" not in below:
                return one, below
    raise MissingError(f"{name!r}: the image has no such file")


@router.get("/jobs/{job_id}/report")
def report(job_id: JobId, caller: Reader, held: Held) -> list[FileAnswer]:
    """The tables and the manifest of a job; none before all its images have ended."""
    job = find_job(held.queue, caller, job_id)
    return [
        FileAnswer(name=name, bytes=size, url=f"{ROOT}/jobs/{job.id}/report/{quote(name)}")
        for name, size in _report(held.bucket, job)
    ]


@router.get("/jobs/{job_id}/report/{name}", response_class=Response, responses=_SENT)
def reported(
    request: Request, job_id: JobId, name: FileName, caller: Reader, held: Held
) -> Response:
    """A table, or the manifest, of a job."""
    job = find_job(held.queue, caller, job_id)
    if name not in dict(_report(held.bucket, job)):
        raise MissingError(f"{name!r}: the job has no such table")
    tag = f"{job.id}-{job.finished:.3f}-{name}"
    return send(request, held.bucket, f"{layout.report(job.id)}/{name}", name, tag)


def _report(bucket: Bucket, job: Job) -> list[tuple[str, int]]:
    folder = layout.report(job.id)
    return [(one.key.removeprefix(f"{folder}/"), one.size) for one in bucket.list(folder)]


@router.get(
    "/jobs/{job_id}/results.zip",
    response_class=Response,
    responses={200: {"description": "A zip.", "content": _ZIP}},
)
def results(
    request: Request,
    job_id: JobId,
    caller: Reader,
    held: Held,
    formats: Annotated[
        str | None,
        Query(
            max_length=1000,
            description="With commas, those that the job's `formats` names; what was not stored so "
            "is made on the way. Default: all that is stored, as it is.",
        ),
    ] = None,
) -> Response:
    """All results of a job as one zip, laid out as the folder that `cytomill run` writes.

    Of a job that has not ended it holds what there is. With `formats`, what cannot be made of an
    image is told in a file NAME_error.txt.
    """
    job = find_job(held.queue, caller, job_id)
    headers = attached(f"{_file_name(job)}.zip")
    if formats is None:
        found, made = _members(request.app.state.readers, held, job), False
    else:
        found, made = members(request.app.state.cache, held, job, formats)
    if made:
        chunks = streamed(zipped(found), request.app.state.conversions)
        return StreamingResponse(chunks, 200, headers, "application/zip")
    return StreamingResponse(begun(zipped(found)), 200, headers, "application/zip")


def _file_name(job: Job) -> str:
    kept = "".join(one if one.isalnum() or one in "._-" else "_" for one in job.name)
    return kept.strip("._")[:80] or job.id


def _members(pool: Executor, held: Backend, job: Job) -> Iterator[Member]:
    """What the zip holds; files are opened a few ahead, for that takes a while in a cloud."""

    def opened(place: tuple[str, str]) -> Member:
        name, key = place
        return Member(name, begun(held.bucket.stream(key)))

    return in_order(pool, opened, _places(pool, held, job))


def _places(pool: Executor, held: Backend, job: Job) -> Iterator[tuple[str, str]]:
    """The names of all files of results, and their keys."""
    for name, _ in _report(held.bucket, job):
        yield name, f"{layout.report(job.id)}/{name}"

    def look(place: tuple[int, int]) -> ItemRecord | None:
        return record(held.bucket, job, *place)

    for found in in_order(pool, look, done(held.queue, job)):
        for one in found.outputs if found else ():
            if one.folder:
                yield from _files(held.bucket, one)
            else:
                yield one.name, one.key


def _files(bucket: Bucket, folder: Output) -> Iterator[tuple[str, str]]:
    for one in bucket.list(folder.key):
        yield folder.name + one.key.removeprefix(folder.key), one.key
