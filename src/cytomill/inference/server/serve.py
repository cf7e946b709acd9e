"""A model server in this process: its addresses, its start and its end."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from ...errors import OptionError
from ...settings import settings

# The library logs what an error says too, and more.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc.aio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from .announcing import Notices, announced
from .grpc_front import GrpcFront
from .listening import address_of, listening, on_signal, url
from .metrics import Metrics
from .options import Options
from .request import ServerError
from .rest_front import RestFront
from .served import NOT_LOADED, State
from .service import Service
from .shared_memory import Regions

#: Seconds that answers which are ready have to leave, once the models have been freed.
_LEAVE = 5.0

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens and what it allows; a port of 0 is any that is free.

    ``shared_memory`` is None for only where ``host`` is this machine alone. Requests in hand have
    ``drain`` seconds to finish when the server is asked to stop. ``announced`` is the ``HOST:PORT``
    of gRPC that others are told; empty for ``host``, or where that is all addresses of this machine
    for its name.
    """

    host: str = "127.0.0.1"
    grpc_port: int = 8001
    http_port: int = 8000
    metrics_port: int = 8002
    shared_memory: bool | None = None
    allow_load: bool = True
    drain: float = 30.0
    announced: str = ""


def serve(
    options: Options, listen: Listen, say: Say, warn: Say, notices: Notices | None = None
) -> None:
    """Serve models until SIGTERM or SIGINT, then finish what is in hand; a second ends it at once.

    ``say`` is given a line per address and ``ready``, ``warn`` a line per model that cannot be
    served. While it is ready it is announced to ``notices``, if there are any. Raises `OptionError`
    for an address that cannot be had, and what `Service.start` does.
    """
    logging.basicConfig(format="cytomill: %(message)s")
    # It tells, with a traceback, that a client went away while it was answered. Faults of the front
    # end are told by the front end.
    logging.getLogger("grpc._cython.cygrpc").setLevel(logging.CRITICAL)
    asyncio.run(_serve(options, listen, say, warn, notices))


async def _serve(
    options: Options, listen: Listen, say: Say, warn: Say, notices: Notices | None
) -> None:
    address = address_of(listen.host)
    local = ipaddress.ip_address(address).is_loopback
    shared = local if listen.shared_memory is None else listen.shared_memory
    service, regions = Service(options), Regions(shared)
    may, limit = listen.allow_load, settings.message_bytes
    rest = RestFront(service, regions, may=may, limit=limit)
    metrics = Metrics(service)
    with (
        listening(address, listen.http_port, "--http-port") as http,
        listening(address, listen.metrics_port, "--metrics-port") as scraped,
    ):
        server, port = _grpc(GrpcFront(service, regions, may=may, limit=limit), address, listen)
        over_http = _Http(rest.app()), _Http(_scraped(metrics))
        stopping = asyncio.Event()
        on_signal(stopping.set)
        await server.start()
        running = [
            asyncio.create_task(over_http[0].serve([http])),
            asyncio.create_task(over_http[1].serve([scraped])),
            asyncio.create_task(metrics.watch()),
        ]
        try:
            say(f"gRPC     {url('grpc', address, port)}")
            say(f"REST     {url('http', address, http.getsockname()[1])}/v2")
            say(f"metrics  {url('http', address, scraped.getsockname()[1])}/metrics")
            if await _start(service, stopping, warn):
                say("ready")
                where = listen.announced or _reached(address, port)
                async with announced(service, notices, where, warn) as draining:
                    await stopping.wait()
                    say("stopping: no new requests; those in hand are finished")
                    draining()
                    await service.drain(listen.drain)
        finally:
            await service.drain(listen.drain)
            await server.stop(_LEAVE)
            for one in over_http:
                one.should_exit = True
            running.pop().cancel()
            await asyncio.gather(*running)


async def _start(service: Service, stopping: asyncio.Event, warn: Say) -> bool:
    """Load what is to be loaded at the start; False where the server was stopped meanwhile."""
    starting = asyncio.create_task(service.start())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False
    await starting
    for entry in await service.index():
        if entry.state is State.UNAVAILABLE and entry.reason != NOT_LOADED:
            warn(f"model {entry.name}: {entry.reason}")
    return True


def _reached(address: str, port: int) -> str:
    """Where others reach what listens at ``address``."""
    if ipaddress.ip_address(address).is_unspecified:
        return f"{socket.gethostname()}:{port}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _grpc(front: GrpcFront, address: str, listen: Listen) -> tuple[grpc.aio.Server, int]:
    with listening(address, listen.grpc_port, "--grpc-port"):
        pass  # asked in this way, the system says why not
    where = f"[{address}]" if ":" in address else address
    try:
        return front.serve(f"{where}:{listen.grpc_port}")
    except RuntimeError as error:
        raise OptionError(
            f"--grpc-port {listen.grpc_port}: cannot listen on {address} ({error})"
        ) from error


def _scraped(metrics: Metrics) -> Starlette:
    async def scrape(request: Request) -> PlainTextResponse:
        try:
            text = metrics.text()
        except ServerError as error:  # it has not started
            return PlainTextResponse(f"{error}\n", error.code.value)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(routes=[Route("/metrics", scrape)])


class _Http(uvicorn.Server):
    """Serves an application in a loop that has other work, and leaves signals to it."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                # Longer than clients keep a connection for their next request.
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(_LEAVE),
            )
        )

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """None are."""
        return nullcontext()
