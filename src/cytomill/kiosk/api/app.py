"""The application: its routes, what they share, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from ...errors import CytomillError
from ...jobs.uploads import Uploads
from ...version import __version__
from ..backend import Backend
from ..built_page import FOLDER
from ..cache import Cache
from ..inspection import Inspection
from ..janitor import Janitor
from ..storage import Storage
from ..view.rows import Measurements
from ..view.target import Targets
from ..view.views import Views
from ..workplace import workplace
from . import (
    admin,
    catalog,
    events,
    formats,
    health,
    inspect,
    items,
    jobs,
    me,
    metrics,
    preview,
    problems,
    results,
    scaling,
    session,
    shares,
    tokens,
    uploads,
    views,
)
from .auth import guard
from .common import ROOT, known_queries
from .description import describe
from .envelope import Envelope
from .given_tokens import GivenTokens
from .hub import Hub
from .page import Page
from .reach import Reach
from .reading import THREADS

_LOG = logging.getLogger("cytomill.api")

#: Seconds between two looks for what has expired.
_SWEEP = 10.0

#: Bytes of images that are kept for previews, of buckets that are not folders.
_CACHE = 4 * 2**30

_ROUTERS = (
    jobs,
    items,
    results,
    formats,
    preview,
    views,
    events,
    uploads,
    inspect,
    catalog,
    me,
    session,
    shares,
    tokens,
    health,
    metrics,
    admin,
    scaling,
)


def create(backend: Backend, *, free: bool = False, page: Path = FOLDER) -> FastAPI:
    """The API of ``backend``, and the page that was built into the folder ``page``.

    ``free``: programs on this machine need no token.

    Raises `OptionError` for settings that cannot be used.
    """
    app = FastAPI(
        title="Cytomill",
        version=__version__,
        summary="Deep-learning analysis of cell images",
        openapi_url=f"{ROOT}/openapi.json",
        # The pages that come with the framework load programs from elsewhere.
        docs_url=None,
        redoc_url=None,
        # Addresses made from the Host of a request would be whatever a client says.
        redirect_slashes=False,
        lifespan=_life,
        dependencies=[Depends(known_queries)],
        generate_unique_id_function=_operation,
    )
    hub = Hub(backend)
    app.state.backend = backend
    app.state.uploads = Uploads(backend.redis, backend.bucket, backend.settings)
    app.state.hub = hub
    app.state.metrics = metrics.Metrics(backend.queue, hub)
    app.state.readiness = health.Readiness()
    app.state.cache = Cache(workplace() / "previews", _CACHE)
    app.state.inspection = Inspection(app.state.uploads, backend.bucket, app.state.cache)
    app.state.storage = Storage(backend.bucket)
    app.state.targets = Targets(backend.queue, backend.bucket)
    app.state.views = Views(backend, app.state.cache, workplace() / "views")
    app.state.measurements = Measurements(backend.bucket, workplace() / "tables")
    app.state.readers = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")
    guard(app, backend, free=free)
    app.state.given_tokens = GivenTokens(app.state.tokens, backend.settings)
    for module in _ROUTERS:
        app.include_router(module.router, prefix=ROOT)
    app.state.page = Page(backend.settings.oidc_issuer, page)
    app.router.routes.append(app.state.page)
    problems.install(app)
    describe(app)
    app.add_middleware(
        Envelope,
        count=app.state.metrics.count,
        leaving=lambda: app.state.readiness.leaving,
    )
    return app


def _operation(route: APIRoute) -> str:
    """What programs made from the description call a route: ``jobs_submit``."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}_{route.name}"


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    """What works beside the requests: the reader of events, and the janitor."""
    app.state.hub.start()
    app.state.previews = CapacityLimiter(preview.AT_ONCE)
    app.state.viewing = CapacityLimiter(views.AT_ONCE)
    app.state.conversions = CapacityLimiter(formats.AT_ONCE)
    app.state.inspections = CapacityLimiter(inspect.AT_ONCE)
    app.state.thumbnails = CapacityLimiter(inspect.DRAWN_AT_ONCE)
    janitor = Janitor(app.state.backend, app.state.uploads)
    stopping = threading.Event()
    reach = Reach(app.state.page, app.state.backend.bucket, app.state.oidc)
    given = app.state.given_tokens
    sweeps = (
        given.look,
        janitor.sweep,
        reach.look,
        app.state.views.sweep,
        app.state.measurements.sweep,
    )
    threading.Thread(target=_sweep, args=(sweeps, stopping), name="janitor", daemon=True).start()
    threading.Thread(target=given.look, name="tokens", daemon=True).start()
    threading.Thread(target=reach.look, name="reach", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        app.state.hub.close()
        await asyncio.to_thread(app.state.readers.shutdown, cancel_futures=True)
        await asyncio.to_thread(app.state.views.close)
        await asyncio.to_thread(app.state.measurements.close)


def _sweep(sweeps: Sequence[Callable[[], object]], stopping: threading.Event) -> None:
    """Delete what has expired, and close what is not looked at, for as long as the process runs."""
    while not stopping.wait(_SWEEP):
        for sweep in sweeps:
            started = time.monotonic()
            try:
                sweep()
            except CytomillError as error:
                _LOG.warning("janitor: %s", error)
            except Exception as error:  # one thing that cannot be deleted must not end the thread
                problems.fault(error, f"janitor, after {time.monotonic() - started:.1f} s")
