"""The images of a job: what became of each."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request

from ...jobs.errors import MissingError
from ...jobs.items import read_some
from ...jobs.job import Job
from ..backend import Backend
from ..record import ItemRecord
from .common import ROOT, Held, JobId, Reader, find_job
from .reading import in_order, record
from .schemas import ItemAnswer, ItemPage, OutputAnswer

router = APIRouter(tags=["results"])

ItemState = Literal["waiting", "running", "done", "failed"]

ItemIndex = Annotated[int, Path(ge=0, le=2**40, description="The number of an image, from 0.")]


@router.get("/jobs/{job_id}/items")
def listed(
    request: Request,
    job_id: JobId,
    caller: Reader,
    held: Held,
    state: Annotated[ItemState | None, Query(description="Only those in this state.")] = None,
    after: Annotated[int, Query(ge=0, le=2**40, description="The first, as `next` says.")] = 0,
    skip: Annotated[int, Query(ge=0, le=2**40, description="How many of those to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Images of a page.")] = 100,
) -> ItemPage:
    """Images of a job, in their order."""
    job = find_job(held.queue, caller, job_id)
    if skip and state is not None:
        _, after = held.queue.find(job, state, after, skip)
    elif skip:
        after += skip
    if state is None:
        indices, end = list(range(after, min(after + limit, job.items))), after + limit
    else:
        indices, end = held.queue.find(job, state, after, limit)
    found = _items(request.app.state.readers, held, job, indices)
    return ItemPage(items=found, next=end if end < job.items else None)


@router.get("/jobs/{job_id}/items/{index}")
def shown(
    request: Request, job_id: JobId, index: ItemIndex, caller: Reader, held: Held
) -> ItemAnswer:
    """An image of a job."""
    job = find_job(held.queue, caller, job_id)
    if index >= job.items:
        raise MissingError(f"job {job.id} has no image {index}; it has {job.items}")
    (found,) = _items(request.app.state.readers, held, job, [index])
    return found


def _items(pool: Executor, held: Backend, job: Job, indices: list[int]) -> list[ItemAnswer]:
    items = read_some(held.bucket, job.id, indices)
    names = {index: item.name for index, item in items.items()}
    states: dict[int, tuple[str, int]] = {}
    for first, count in _runs(indices):
        states |= dict(enumerate(held.queue.states(job, first, count), first))
    if not names.keys() & states.keys() >= set(indices):
        raise MissingError(f"job {job.id} is being deleted")
    errors = held.queue.errors(job, [i for i in indices if states[i][0] == "failed"])

    def look(index: int) -> ItemRecord | None:
        state, attempt = states[index]
        # Of a great many failures the queue keeps the first reasons only.
        if state == "done" or (state == "failed" and index not in errors):
            return record(held.bucket, job, index, attempt)
        return None

    return [
        _item(job, index, names[index], states[index][0], found, errors.get(index, ""))
        for index, found in zip(indices, in_order(pool, look, indices), strict=True)
    ]


def _runs(indices: list[int]) -> list[tuple[int, int]]:
    """The first of each run of successive indices, and how many it has."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and index == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((index, 1))
    return runs


def _item(
    job: Job, index: int, name: str, state: str, found: ItemRecord | None, error: str
) -> ItemAnswer:
    outputs = found.outputs if found and state == "done" else ()
    return ItemAnswer.model_validate(
        {
            "index": index,
            "name": name,
            "state": state,
            "objects": found.objects if found else 0,
            "seconds": dict(found.seconds) if found else {},
            "error": error or (found.error if found else ""),
            "notes": list(found.notes) if found else [],
            "outputs": [
                OutputAnswer(
                    name=one.name,
                    bytes=one.bytes,
                    folder=one.folder,
                    url=f"{ROOT}/jobs/{job.id}/items/{index}/outputs/{quote(one.name)}",
                )
                for one in outputs
            ],
        }
    )
