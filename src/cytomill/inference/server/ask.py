"""The way of one request: checked, queued, answered, or given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

from numpy.typing import NDArray

from ...errors import Interrupted, ModelError
from ..runtime import checked
from .queue import DEFAULT_PRIORITY, Item
from .repository import Repository
from .request import Code, Request, ServerError
from .served import Served


async def ask(
    repository: Repository, served: Served, ending: str, request: Request
) -> dict[str, NDArray[Any]]:
    """The outputs of a view for ``request``; raises `ServerError`.

    Whoever stops waiting, by the task's cancellation, the deadline or the request's stop, has left
    the queue, and the device, by the time this ends or soon after.
    """
    if request.parameters:
        names = ", ".join(sorted(request.parameters))
        raise _invalid(f"parameters that are not known: {names}; leave them out")
    if request.priority < 0:
        raise _invalid(f"priority {request.priority}: must be 1, or more for later")
    served.hands += 1
    try:
        async with in_time(served, request.deadline) as scope:
            give_up = partial(asyncio.get_running_loop().call_soon_threadsafe, _expire, scope)
            with request.stop.calling(give_up):
                return await _answer(repository, served, ending, request)
    except Interrupted:
        raise _gone(request) from None
    except ServerError:
        if request.stop:
            raise _gone(request) from None
        raise
    finally:
        repository.returned(served)


@asynccontextmanager
async def in_time(served: Served, deadline: float | None) -> AsyncIterator[asyncio.Timeout]:
    """Within it, what takes longer than ``deadline``, of `time.monotonic`, raises `ServerError`."""
    if deadline is not None and deadline <= monotonic():
        raise ServerError(
            Code.DEADLINE_EXCEEDED, f"{served.name}: the deadline passed before the request came"
        )
    try:
        async with asyncio.timeout_at(deadline) as scope:
            yield scope
    except TimeoutError:
        if served.short:
            raise ServerError(Code.RESOURCE_EXHAUSTED, served.short) from None
        doing = "the request waited or ran" if served.ready else "the model was being loaded"
        raise ServerError(
            Code.DEADLINE_EXCEEDED, f"{served.name}: the deadline passed while {doing}"
        ) from None


async def _answer(
    repository: Repository, served: Served, ending: str, request: Request
) -> dict[str, NDArray[Any]]:
    if not served.ready:
        size = sum(array.nbytes for array in request.inputs.values())
        served.scheduler.admit(size, others=served.waiters)
        await repository.ensure(served)
    # Nothing is awaited from here until the request is in the queue: the model stays in memory.
    item = _item(repository, served, ending, request)
    served.scheduler.submit(item)
    try:
        return await item.future
    except asyncio.CancelledError:
        served.scheduler.drop(item)
        raise


def _item(repository: Repository, served: Served, ending: str, request: Request) -> Item:
    """The request as it waits; raises `ServerError` for one that does not fit the model."""
    signature = served.views.get(ending)
    if signature is None:
        raise repository.unknown(request.model)
    try:
        checked(request.model, signature.inputs, signature.outputs, request.inputs, request.outputs)
    except ModelError as error:
        raise _invalid(str(error)) from error
    for name, array in request.inputs.items():
        if array.size == 0:
            sizes = " x ".join(map(str, array.shape))
            raise _invalid(f"{request.model}: its input {name} is {sizes}, which is nothing")
    rows, kind = 1, None
    if not ending and served.scheduler.most > 1:
        rows, kind = _kind(request)
    return Item(
        view=ending,
        tensors=request.inputs,
        outputs=request.outputs,
        priority=request.priority or DEFAULT_PRIORITY,
        rows=rows,
        kind=kind,
        future=asyncio.get_running_loop().create_future(),
    )


def _kind(request: Request) -> tuple[int, Hashable]:
    """The rows of a request, and what others must have in common with it to be joined to it."""
    counts = {len(array) for array in request.inputs.values()}
    if len(counts) != 1:
        return 1, None  # for the network to refuse
    inputs = sorted((name, x.dtype.str, x.shape[1:]) for name, x in request.inputs.items())
    return counts.pop(), (tuple(inputs), request.outputs)


def _expire(scope: asyncio.Timeout) -> None:
    with suppress(RuntimeError):  # it is over
        scope.reschedule(asyncio.get_running_loop().time())


def _gone(request: Request) -> ServerError:
    return ServerError(Code.CANCELLED, f"{request.model}: the client went away")


def _invalid(message: str) -> ServerError:
    return ServerError(Code.INVALID_ARGUMENT, message)
