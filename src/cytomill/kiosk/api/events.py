"""Event streams: the state of a job, or of all of a user's, whenever it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from ...errors import CytomillError
from ...jobs.queue import Event
from ..backend import Backend
from .auth import seen
from .common import Held, JobId, Reader, find_job
from .hub import Hub, Message

router = APIRouter(tags=["events"])

#: Seconds between two messages of a stream, and after which a silent one says that it is open.
_BETWEEN, _ALIVE = 1.0, 15.0

#: Seconds after which it is looked again whether who follows a stream may.
_CHECK = 15.0

#: Jobs whose state a stream of all jobs begins with, at most.
_FIRST = 100

LastEvent = Annotated[
    str | None,
    Header(
        pattern=r"^[0-9]{1,18}-[0-9]{1,18}$",
        description="The `id` of the last event that was received: go on after it.",
    ),
]

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events `job`, the state of a job as JSON in `data`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

Look = Callable[[], list[Message]]


@router.get("/jobs/{job_id}/events", response_class=Response, responses=_STREAM)
async def of_job(
    request: Request,
    job_id: JobId,
    caller: Reader,
    held: Held,
    last_event_id: LastEvent = None,
) -> Response:
    """The state of a job, now and whenever it changes, until it has ended.

    The newest state comes first, wherever the last stream was broken off.
    """
    hub: Hub = request.app.state.hub
    job = await run_sync(find_job, held.queue, caller, job_id)

    def now() -> list[Message]:
        newest = held.queue.last_event()
        return hub.look([Event(newest, job.id, job.owner, job.state)], everyone=True)

    return _answer(_events(hub, "job", job.id, now, _still(request), one=True))


@router.get("/events", response_class=Response, responses=_STREAM)
async def of_all(
    request: Request, caller: Reader, held: Held, last_event_id: LastEvent = None
) -> Response:
    """The states of your jobs, whenever they change.

    First those that have not ended, or with `Last-Event-ID` those that changed since.
    """
    hub: Hub = request.app.state.hub
    await run_sync(held.queue.ping)

    def now() -> list[Message]:
        if last_event_id is None:
            return _at_work(held, caller.user)
        events = held.queue.events(last_event_id, wait=0.001)
        own = {event.job: event for event in events if event.owner == caller.user}
        return hub.look(list(own.values())[-_FIRST:], everyone=True)

    return _answer(_events(hub, "user", caller.user, now, _still(request), one=False))


def _at_work(held: Backend, owner: str) -> list[Message]:
    """The newest jobs of ``owner`` that have not ended, oldest first."""
    queue = held.queue
    newest = queue.last_event()
    jobs = [job for job in queue.jobs(owner, count=_FIRST) if not job.state.ended]
    pairs = zip(jobs, queue.ahead(jobs), strict=True)
    return [Message.of(newest, job, position, held) for job, position in pairs][::-1]


def _answer(events: AsyncIterator[bytes]) -> Response:
    # A proxy must pass each event on as it comes. When a stream ends its process may be ending too:
    # the next request must not come on the same connection.
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store", "Connection": "close"}
    return StreamingResponse(events, headers=headers, media_type="text/event-stream")


def _still(request: Request) -> Callable[[], bool]:
    """Whether whoever opened a stream may still follow it: their token may be revoked since."""

    def still() -> bool:
        try:
            return seen(request) is not None
        except CytomillError:  # the queue is away: nothing is told meanwhile
            return True

    return still


async def _events(
    hub: Hub, kind: str, name: str, now: Look, still: Callable[[], bool], *, one: bool
) -> AsyncIterator[bytes]:
    # Followed before it is looked at, nothing that happens between is missed.
    with hub.following(kind, name) as subscription:
        yield b"retry: 2000\n\n"
        messages = await run_sync(now)
        checked = time.monotonic()
        while not hub.closing.is_set():
            if time.monotonic() - checked >= _CHECK:
                if not await run_sync(still):
                    return
                checked = time.monotonic()
            if told := b"".join(_event(message) for message in messages if message.data):
                yield told
            if one and any(message.ended for message in messages):
                return
            if messages:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_BETWEEN):
                        await hub.closing.wait()
            messages = await subscription.take(_ALIVE)
            if not messages and not hub.closing.is_set():
                yield b": open\n\n"


def _event(message: Message) -> bytes:
    return b"id: %b\nevent: job\ndata: %b\n\n" % (message.id.encode(), message.data)
