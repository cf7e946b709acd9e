"""The formats that a job's results can be had in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ...batch.outputs import Outputs
from ...batch.run import make_pipeline
from ...jobs.job import Job
from ...pipelines.base import Pipeline
from ..backend import Backend
from ..cache import Cache
from ..formats.catalog import chosen, offered
from ..formats.kept import JobKept
from ..formats.taking import Taking
from .common import Held, JobId, Reader, find_job
from .reading import done, record
from .zipping import Member

router = APIRouter(tags=["results"])

#: Images whose results are converted at once.
AT_ONCE = 2


class FormatAnswer(BaseModel):
    """A format of results."""

    name: str = Field(description="As `formats` of results.zip has it.")
    title: str
    summary: str
    stored: bool = Field(description="Whether the job wrote it; else it is made on the way.")


@router.get("/jobs/{job_id}/formats")
def listed(job_id: JobId, caller: Reader, held: Held) -> list[FormatAnswer]:
    """The formats that a job's results can be had in, to be given to results.zip."""
    job = find_job(held.queue, caller, job_id)
    return [
        FormatAnswer(name=one.name, title=one.title, summary=one.summary, stored=one.stored)
        for one in offered(*_made(job))
    ]


def members(cache: Cache, held: Backend, job: Job, formats: str) -> tuple[Iterator[Member], bool]:
    """The results of a job in ``formats``, named with commas, as members of a zip.

    Also whether some are to be made, which takes a while. Raises `OptionError` for a format that
    the job has not.
    """
    pipeline, outputs = _made(job)
    known = offered(pipeline, outputs)
    wanted = chosen(known, formats)
    taking = Taking(JobKept(held, cache, job, pipeline, outputs), wanted)
    made = not wanted <= {one.name for one in known if one.stored}
    return _members(taking, held, job), made


def _members(taking: Taking, held: Backend, job: Job) -> Iterator[Member]:
    for name, chunks in taking.tables():
        yield Member(name, chunks)
    for index, attempt in done(held.queue, job) if taking.of_images else ():
        found = record(held.bucket, job, index, attempt)
        for name, chunks in taking.images(index, attempt, found) if found else ():
            yield Member(name, chunks)


def _made(job: Job) -> tuple[Pipeline[Any], Outputs]:
    return make_pipeline(job.pipeline, job.options), Outputs(**job.outputs)
