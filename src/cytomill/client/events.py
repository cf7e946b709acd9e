"""A job as it goes on: server-sent events, and questions where those do not come through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

import httpx

from ..errors import PermanentError
from .errors import ServerBusyError
from .http import Http, Patience, part
from .records import Job

#: Seconds of silence after which events are taken to be held up on the way: a kiosk sends a
#: comment every 15.
_SILENT = 40.0

#: Seconds between two questions where there are no events, at first and at most.
_SHORT, _LONG = 0.5, 5.0

#: Streams that may end in silence before events are given up: some proxies let none through.
_STREAMS = 2


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event; ``id`` is the last that was told."""

    kind: str
    data: str
    id: str = ""


async def events(lines: AsyncIterable[str]) -> AsyncIterator[Event]:
    """The events in the lines of a stream, as the HTML standard has them."""
    kind, data, name = "", list[str](), ""
    async for line in lines:
        if not line:
            if data:
                yield Event(kind or "message", "\n".join(data), name)
            kind, data = "", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            kind = value
        elif key == "data":
            data.append(value)
        elif key == "id" and "\0" not in value:
            name = value


async def watch(http: Http, job: str) -> AsyncIterator[Job]:
    """The job as it is now, then as it changes, until it has ended. Connections lost are renewed.

    Raises `ServerAwayError` where the kiosk stays away, `NotFoundError` where there is no job.
    """
    last, silences = "", 0
    patience = Patience(http)
    while silences < _STREAMS:
        heard = False
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        path = f"/jobs/{part(job)}/events"
        try:
            async with http.stream(path, headers=headers, timeout=_SILENT) as response:
                if response.status_code in (404, 405, 501):
                    break  # no events, or no job: asking tells which
                if response.status_code != 200:
                    await response.aread()
                    await patience.wait(*http.refused(response))
                    continue
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    break
                async for event in events(response.aiter_lines()):
                    heard, last = True, event.id
                    patience.renew()
                    if event.kind != "job":
                        continue
                    now = _parsed(event.data)
                    yield now
                    if now.ended:
                        return
        except httpx.ReadTimeout:
            silences += not heard
        except httpx.HTTPError as error:
            await patience.wait(http.away(error))
        else:
            silences += not heard
            # A kiosk that is being stopped ends its streams in good order.
            await patience.wait(ServerBusyError(f"{http.server.url}: its events ended too early"))
    async for now in _ask(http, job):
        yield now


async def _ask(http: Http, job: str) -> AsyncIterator[Job]:
    """The same by asking, at growing intervals while nothing changes."""
    before, pause = None, _SHORT
    while True:
        now = Job.parse(await http.get(f"/jobs/{part(job)}"))
        pause = _SHORT if now != before else min(pause * 1.5, _LONG)
        if now != before:
            yield now
        if now.ended:
            return
        before = now
        await asyncio.sleep(pause)


def _parsed(data: str) -> Job:
    try:
        return Job.parse(json.loads(data))
    except ValueError as error:
        raise PermanentError("the kiosk sent an event that is no JSON; update cytomill") from error
