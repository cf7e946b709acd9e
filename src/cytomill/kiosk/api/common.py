"""What the routes share: who asks, what is held, and jobs that are the caller's own."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from ...errors import OptionError
from ...jobs.errors import MissingError
from ...jobs.job import Job
from ...jobs.queue import Queue
from ..backend import Backend
from .auth import Caller, allowed, owned

#: The prefix of every address.
ROOT = "/api/v1"

_ID = re.compile(r"[0-9a-f]{24}")

Reader = Annotated[Caller, Depends(allowed("read"))]
Writer = Annotated[Caller, Depends(allowed("write"))]

#: Also somebody with whom a job was shared.
Visitor = Annotated[Caller, Depends(allowed("read", guests=True))]


# A plain function would be run in a thread, which costs more than what these do.


async def backend(request: Request) -> Backend:
    """The queue, the bucket and the sources."""
    held: Backend = request.app.state.backend
    return held


Held = Annotated[Backend, Depends(backend)]

JobId = Annotated[str, Path(description="The id of a job.", max_length=100)]


def find_job(queue: Queue, caller: Caller, name: str) -> Job:
    """The job ``name``; raises `MissingError` where there is none that ``caller`` may see."""
    # What is no id must not become part of a key.
    found = queue.job(name) if _ID.fullmatch(name) else None
    if found is None:
        raise MissingError
    if caller.job != found.id:
        owned(found.owner, caller)
    return found


async def known_queries(request: Request) -> None:
    """Raises `OptionError` for a parameter of the query that the route does not have."""
    route: Any = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if dependant is None:
        return
    known = set(_queries(dependant))
    for name in request.query_params:
        if name not in known:
            told = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise OptionError(f"{name}: there is no such parameter here; {told}")


def _queries(dependant: Any) -> list[str]:
    found = [field.alias for field in dependant.query_params]
    for inner in dependant.dependencies:
        found += _queries(inner)
    return found
