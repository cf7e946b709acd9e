"""What administrators see: consumers, model servers, what was done, what failed, who has what."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from ...inference.standing import standing
from ...jobs.job import Job
from ...jobs.tokens import Tokens
from ...scaling.board import Board
from ..backend import Backend
from ..model_servers import addresses
from ..storage import Storage
from .auth import Caller, allowed
from .common import Held

router = APIRouter(prefix="/admin", tags=["operation"])

Operator = Annotated[Caller, Depends(allowed("admin"))]

#: Jobs, the newest, of which the use of each user is summed up.
_JOBS = 2000

#: What differs between failures for the same reason: names in quotes, paths, numbers.
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\S*/\S+|\S+\.(?:tiff?|png|jpe?g|zarr|zip)\b|\d+")


class DoingAnswer(BaseModel):
    """A task that a consumer does now."""

    job: str
    kind: str = Field(description="list, item, part, merge or report.")
    item: int
    seconds: float = Field(description="Since it was begun.")


class ConsumerAnswer(BaseModel):
    """A consumer that was heard of lately. Times are seconds since 1970."""

    name: str
    host: str
    process: int
    since: float
    threads: int
    pipelines: list[str]
    done: int = Field(description="Images that ended well here.")
    failed: int
    doing: list[DoingAnswer]
    draining: bool = Field(description="Whether it takes nothing more, because it is to end.")
    waiting_for: str = Field(description="Services that it waits for; its log says more.")
    clock: float = Field(description="Seconds that its clock is ahead of the queue's.")


class ServedAnswer(BaseModel):
    """A model of a model server."""

    name: str
    version: str
    state: str = Field(description="READY where it is in memory; else as the server says.")
    reason: str
    requests: int
    failures: int
    seconds: float = Field(description="That its network ran, since the server started.")
    last: float = Field(description="When it was asked last; 0 for never.")


class ServerAnswer(BaseModel):
    """A model server; with ``fault`` where it does not answer."""

    address: str
    ready: bool
    fault: str
    models: list[ServedAnswer]


class MinuteAnswer(BaseModel):
    """What ended in a minute that began at ``time``."""

    time: int
    done: int
    failed: int
    seconds: float = Field(description="Of consumers' threads.")


class FailureAnswer(BaseModel):
    """Images that failed for one reason, with the newest of them."""

    reason: str
    count: int
    job: str
    item: int
    time: float


class SpentAnswer(BaseModel):
    """What time of consumers cost."""

    spent: float
    currency: str


class UserAnswer(BaseModel):
    """What a user has and may have; of jobs the newest of the kiosk are looked at."""

    user: str
    jobs: int
    active: int = Field(description="Jobs that have not ended.")
    most_jobs: int = Field(description="Of those that have not ended.")
    items: int
    seconds: float = Field(description="Of consumers' threads.")
    cost: SpentAnswer | None = Field(description="Null where the kiosk has no price.")
    upload_bytes: int
    most_upload_bytes: int
    tokens: int
    last: float = Field(description="When their newest job was submitted, or a token used.")


class StorageAnswer(BaseModel):
    """Bytes of the bucket; null where that cannot be told, or is not yet."""

    free: int | None
    total: int | None
    uploads: int | None
    results: int | None
    looked: float = Field(description="When its folders were added up; 0 for not yet.")


@router.get("/consumers")
def consumers(caller: Operator, held: Held) -> list[ConsumerAnswer]:
    """The consumers that were heard of lately, and what they do now."""
    names = held.queue.consumers()
    found = zip(names, held.queue.told_by(names), strict=True)
    return [
        ConsumerAnswer.model_validate({"name": name, **_UNTOLD, **told}) for name, told in found
    ]


_UNTOLD = {
    "host": "", "process": 0, "since": 0, "threads": 0, "pipelines": [], "done": 0, "failed": 0,
    "doing": [], "draining": False, "waiting_for": "", "clock": 0,
}  # fmt: skip


@router.get("/models")
def models(caller: Operator, held: Held) -> list[ServerAnswer]:
    """The model servers that consumers ask, and their models; none where consumers have their own.

    Of a model, what its network did between two looks over the time between is its utilisation.
    """
    status = Board(held.redis).read()
    if status and (pools := status.servers()) and not any(x.ready + x.draining for x in pools):
        return []  # none is wanted: that nobody answers at their address is no fault
    told = held.queue.told_by(held.queue.consumers())
    named = {str(one["model_server"]) for one in told if one.get("model_server")}
    if held.settings.model_server:
        named.add(held.settings.model_server)
    found = (standing(one) for where in sorted(named) for one in addresses(where, held.redis))
    return [ServerAnswer.model_validate(one, from_attributes=True) for one in found]


@router.get("/throughput")
def throughput(
    caller: Operator,
    held: Held,
    minutes: Annotated[int, Query(ge=1, le=1440, description="How many, up to now.")] = 60,
) -> list[MinuteAnswer]:
    """What ended in each minute, oldest first; the last is not over."""
    return [
        MinuteAnswer.model_validate(one, from_attributes=True)
        for one in held.queue.minutes(minutes)
    ]


@router.get("/failures")
def failures(
    caller: Operator,
    held: Held,
    limit: Annotated[int, Query(ge=1, le=1000, description="Reasons at most.")] = 50,
) -> list[FailureAnswer]:
    """Why images failed of late, in all jobs: those alike together, the newest first."""
    found: dict[str, FailureAnswer] = {}
    for one in held.queue.failures():
        kind = _PARTICULAR.sub("…", one.reason)
        if kind in found:
            found[kind].count += 1
        elif len(found) < limit:
            found[kind] = FailureAnswer(
                reason=one.reason, count=1, job=one.job, item=one.item, time=one.time
            )
    return list(found.values())


@router.get("/users")
def users(request: Request, caller: Operator, held: Held) -> list[UserAnswer]:
    """Who uses the kiosk, who came last first."""
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in held.queue.jobs(count=_JOBS):
        jobs[job.owner].append(job)
    tokens: dict[str, list[float]] = defaultdict(list)
    held_tokens: Tokens = request.app.state.tokens
    for token in held_tokens.list():
        tokens[token.user].append(token.used)
    names = sorted(jobs.keys() | tokens.keys())
    found = [_user(request, held, name, jobs[name], tokens[name]) for name in names]
    return sorted(found, key=lambda one: -one.last)


def _user(
    request: Request, held: Backend, name: str, jobs: list[Job], used: list[float]
) -> UserAnswer:
    seconds = sum(job.seconds for job in jobs)
    price = held.price
    return UserAnswer(
        user=name,
        jobs=len(jobs),
        active=held.queue.user_usage(name),
        most_jobs=held.settings.user_jobs,
        items=sum(job.items for job in jobs),
        seconds=seconds,
        cost=SpentAnswer(spent=price.spent(seconds), currency=price.currency) if price else None,
        upload_bytes=request.app.state.uploads.used(name),
        most_upload_bytes=held.settings.user_bytes,
        tokens=len(used),
        last=max([*(job.created for job in jobs), *used]),
    )


@router.get("/storage")
def storage(request: Request, caller: Operator) -> StorageAnswer:
    """What the bucket holds and has room for; its folders are added up now and then."""
    found: Storage = request.app.state.storage
    return StorageAnswer.model_validate(found.used(), from_attributes=True)
