"""The formats that a job's results can be had in."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ...batch.outputs import Outputs
from ...batch.run import make_pipeline
from ...jobs.job import Job
from ..formats.catalog import Format, offered
from .common import Held, JobId, Reader, find_job

router = APIRouter(tags=["results"])


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
        for one in of_job(job)
    ]


def of_job(job: Job) -> list[Format]:
    """The formats of a job. Raises `OptionError` where its pipeline is no longer here."""
    return offered(make_pipeline(job.pipeline, job.options), Outputs(**job.outputs))
