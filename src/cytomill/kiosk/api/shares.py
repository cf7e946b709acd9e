"""Links for colleagues: a job is shown to whoever has one, for a while."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from ...jobs.errors import ConflictError, MissingError
from ...jobs.job import State
from ...jobs.shares import MOST_DAYS, Share, Shares
from .auth import no_guest
from .common import ROOT, Held, JobId, Reader, Writer, find_job
from .schemas import Request as Sent

router = APIRouter(tags=["people"])


class NewShare(Sent):
    """How a job is to be shared."""

    days: float = Field(
        7,
        gt=0,
        le=MOST_DAYS,
        allow_inf_nan=False,
        description="How long: less where the job or your token ends before.",
    )


class ShareAnswer(BaseModel):
    """A share of a job, less its secret. Times are seconds since 1970."""

    id: str
    job: str
    created: float
    expires: float


class MadeShare(ShareAnswer):
    """A share that was just made."""

    secret: str = Field(description="What to sign in with. It is shown this once.")


@router.post("/jobs/{job_id}/shares", status_code=201)
def create(
    request: Request,
    job_id: JobId,
    body: NewShare,
    caller: Writer,
    held: Held,
    response: Response,
) -> MadeShare:
    """Share a job: whoever has the secret may read it and its results, and nothing else."""
    job = find_job(held.queue, caller, job_id)
    if job.state is State.DELETING:
        raise ConflictError("the job is being deleted")
    # A token that leaked must not see for longer than it is good.
    own = caller.expires if caller.binding else 0.0
    ends = [one for one in (time.time() + body.days * 86_400, job.expires, own) if one]
    secret, share = _shares(request).create(job.id, min(ends))
    response.headers["Location"] = f"{ROOT}/jobs/{job.id}/shares/{share.id}"
    return MadeShare(secret=secret, **_answer(share).model_dump())


@router.get("/jobs/{job_id}/shares")
def listed(request: Request, job_id: JobId, caller: Reader, held: Held) -> list[ShareAnswer]:
    """The shares of a job that have not ended, oldest first."""
    no_guest(caller)
    job = find_job(held.queue, caller, job_id)
    return [_answer(share) for share in _shares(request).list(job.id)]


@router.delete("/jobs/{job_id}/shares/{share}", status_code=204)
def revoke(
    request: Request,
    job_id: JobId,
    share: Annotated[str, Path(description="The id of a share.", max_length=100)],
    caller: Writer,
    held: Held,
) -> None:
    """End a share at once."""
    job = find_job(held.queue, caller, job_id)
    if not _shares(request).revoke(job.id, share):
        raise MissingError


def _shares(request: Request) -> Shares:
    held: Shares = request.app.state.shares
    return held


def _answer(share: Share) -> ShareAnswer:
    return ShareAnswer(id=share.id, job=share.job, created=share.created, expires=share.expires)
