"""Jobs: submit, list, look at, stop, go on, try again, keep, delete."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from ...batch.outputs import Outputs
from ...batch.run import make_pipeline
from ...errors import OptionError
from ...image.correction import named_axes
from ...image.names import clean
from ...jobs.errors import ConflictError, MissingError
from ...jobs.job import Job, State
from ...jobs.queue import Queue
from ...models.library import find_folder, unknown
from ..backend import Backend
from ..corrections import ALL
from ..inspection import Inspection
from .auth import Caller, owned
from .common import ROOT, Held, JobId, Reader, Writer, find_job
from .problems import RefusedError
from .schemas import Inputs, JobAnswer, JobChange, JobPage, NewJob

router = APIRouter(tags=["jobs"])

#: Bytes of JSON that a job's options may have: a hundred times what any pipeline takes.
_OPTIONS = 2**16

#: Jobs that are looked at for one page of a list that is filtered.
_SEARCHED = 2000

#: Jobs of those that are read at once.
_AT_ONCE = 100


@router.post("/jobs", status_code=201, responses={200: {"model": JobAnswer}})
def submit(
    request: Request,
    body: NewJob,
    caller: Writer,
    held: Held,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            description="Sent again with the same key, the same job is made once: 200.",
        ),
    ] = None,
) -> JobAnswer:
    """Submit a job."""
    _check(body, held)
    uploads = _own_uploads(request, caller, body.inputs)
    _check_paths(request, body.inputs)
    job = Job(
        id=secrets.token_hex(12),
        owner=caller.user,
        pipeline=body.pipeline,
        name=body.name,
        options=body.options,
        outputs=body.outputs.model_dump(),
        inputs=tuple(one.kept() for one in body.inputs),
        priority=body.priority,
    )
    for name in uploads:
        if not request.app.state.uploads.hold(name, job.id):
            raise MissingError
    found = held.queue.submit(
        job,
        days=held.settings.result_days,
        most_jobs=held.settings.user_jobs,
        # Hashed, what a client chose can neither be long nor look like another user's key.
        once=hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else "",
        digest=hashlib.sha256(body.model_dump_json().encode()).hexdigest(),
    )
    if found.id != job.id:
        response.status_code = 200
    response.headers["Location"] = f"{ROOT}/jobs/{found.id}"
    return _one(held, found)


def _check(body: NewJob, held: Backend) -> None:
    """Raise `OptionError` for what no consumer could do."""
    try:
        size = len(json.dumps(body.options, allow_nan=False, ensure_ascii=False).encode())
    except ValueError as error:  # nan, half a character
        raise OptionError(f"options: {error}") from None
    if size > _OPTIONS:
        raise OptionError(f"options: have {size} bytes; {_OPTIONS} are allowed")
    if "model" in body.options:
        # A path or an address would be read with the rights of the kiosk.
        model = body.options["model"]
        if not isinstance(model, str) or find_folder(model) is None:
            raise unknown(str(model))
    pipeline = make_pipeline(body.pipeline, body.options)
    Outputs(**body.outputs.model_dump()).check(pipeline.products)
    for one in body.inputs:
        for given in one.corrections:
            if given.axes is not None:
                named_axes(given.axes)
        if one.source is None:
            continue
        if one.source not in held.sources:
            known = ", ".join(sorted(held.sources)) or "none"
            raise OptionError(f"source {one.source!r}: there is none; the sources are: {known}")
        if one.prefix and clean(one.prefix) != one.prefix.removesuffix("/"):
            raise OptionError(
                f"prefix {one.prefix!r}: must be a path below the source: a/b, without '..'"
            )


def _own_uploads(request: Request, caller: Caller, inputs: Iterable[Inputs]) -> set[str]:
    names = {one.upload for one in inputs if one.upload is not None}
    for name in names:
        found = request.app.state.uploads.get(name)
        if found is None:
            raise MissingError
        owned(found.owner, caller)
    return names


def _check_paths(request: Request, inputs: Iterable[Inputs]) -> None:
    """Raise `InputError` where an upload has not what is said of it, or wanted of it."""
    inspection: Inspection = request.app.state.inspection
    for one in inputs:
        if one.upload is not None:
            said = [given.path for given in one.corrections if given.path != ALL]
            inspection.check(one.upload, [*(one.paths or ()), *said])


def _one(held: Backend, job: Job) -> JobAnswer:
    (ahead,) = held.queue.ahead([job])
    return JobAnswer.of(job, ahead, price=held.price, waits=held.waits.of(job))


@router.get("/jobs")
def listed(
    caller: Reader,
    held: Held,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    pipeline: Annotated[str | None, Query(max_length=100, description="Only of this one.")] = None,
    name: Annotated[
        str | None, Query(max_length=200, description="Only those with this in their name.")
    ] = None,
    before: Annotated[
        float | None,
        Query(ge=0, allow_inf_nan=False, description="Only those submitted before this time."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Jobs of a page.")] = 100,
    everybody: Annotated[bool, Query(description="Also others', for administrators.")] = False,
) -> JobPage:
    """Your jobs, newest first."""
    if everybody and not caller.admin:
        raise RefusedError(
            403, "not_allowed", "only administrators see others' jobs", "leave everybody out"
        )
    owner = None if everybody else caller.user
    found: list[Job] = []
    more: float | None = None
    filtered = not (state is pipeline is name is None)
    jobs = _newest(held.queue, owner, before, _AT_ONCE if filtered else limit)
    for searched, job in enumerate(jobs, start=1):
        if (
            (state is None or job.state is state)
            and (pipeline is None or job.pipeline == pipeline)
            and (name is None or name.casefold() in job.name.casefold())
        ):
            found.append(job)
        if len(found) == limit or searched == _SEARCHED:
            more = job.created
            break
    positions = held.queue.ahead(found)
    pairs = zip(found, positions, strict=True)
    told = [
        JobAnswer.of(job, ahead, price=held.price, waits=held.waits.of(job)) for job, ahead in pairs
    ]
    return JobPage(jobs=told, next=more)


def _newest(queue: Queue, owner: str | None, before: float | None, count: int) -> Iterator[Job]:
    """Jobs of ``owner``, or of all, newest first; ``count`` are read at once."""
    while jobs := queue.jobs(owner, before=before, count=count):
        yield from jobs
        before = jobs[-1].created


@router.get("/jobs/{job_id}")
def shown(job_id: JobId, caller: Reader, held: Held) -> JobAnswer:
    """A job; costs the same for any number of images."""
    return _one(held, find_job(held.queue, caller, job_id))


@router.post("/jobs/{job_id}/cancel")
def cancel(job_id: JobId, caller: Writer, held: Held) -> JobAnswer:
    """Stop a job for good; what is done stays. 409 where it has ended in another way."""
    job = find_job(held.queue, caller, job_id)
    held.queue.cancel(job)
    return _now(held, job, State.CANCELLED, State.DELETING)


@router.post("/jobs/{job_id}/pause")
def pause(job_id: JobId, caller: Writer, held: Held) -> JobAnswer:
    """Begin nothing more of a job. 409 where it has ended."""
    job = find_job(held.queue, caller, job_id)
    held.queue.pause(job, f"paused by {caller.user}")
    return _now(held, job, State.PAUSED)


@router.post("/jobs/{job_id}/resume")
def resume(job_id: JobId, caller: Writer, held: Held) -> JobAnswer:
    """Go on with a paused job. 409 where it has ended."""
    job = find_job(held.queue, caller, job_id)
    held.queue.resume(job)
    return _now(held, job, State.LISTING, State.RUNNING)


@router.post("/jobs/{job_id}/retry")
def retry(job_id: JobId, caller: Writer, held: Held) -> JobAnswer:
    """Try the failed images again. 409 where the job was cancelled or failed as a whole."""
    job = find_job(held.queue, caller, job_id)
    held.queue.retry(job)
    return _now(held, job)


def _now(held: Backend, job: Job, *expected: State) -> JobAnswer:
    """The job after a change; raises `ConflictError` where it is in no state that was asked for."""
    now = held.queue.job(job.id)
    if now is None:
        raise MissingError
    if expected and now.state not in expected:
        raise ConflictError(f"the job is {now.state}")
    return _one(held, now)


@router.patch("/jobs/{job_id}")
def change(job_id: JobId, body: JobChange, caller: Writer, held: Held) -> JobAnswer:
    """Keep a job for ever, or let it expire."""
    job = find_job(held.queue, caller, job_id)
    held.queue.pin(job, body.pinned)
    return _now(held, job)


@router.delete("/jobs/{job_id}", status_code=204)
def delete(job_id: JobId, caller: Writer, held: Held) -> None:
    """Delete a job with its results; it is stopped first."""
    held.queue.delete(find_job(held.queue, caller, job_id))
