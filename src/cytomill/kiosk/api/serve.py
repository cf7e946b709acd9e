"""The API in a process of its own: its address, its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from ...errors import CytomillError, OptionError
from ...inference.server.listening import address_of, listening, on_signal, url
from ..backend import Backend
from .app import create

#: Seconds that requests in hand have to be answered when the API is asked to stop.
DRAIN = 15

Say = Callable[[str], object]


def serve(
    backend: Backend, host: str, port: int, *, free: bool, say: Say, linger: float = 0.0
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in hand; a second ends it at once.

    Before that it goes on serving for ``linger`` seconds in which it says that it is not ready.
    ``say`` is given the address and ``ready``. ``free``: programs on this machine need no token.
    Raises `OptionError` for an address that cannot be had, or is not this machine's own where it
    must be.
    """
    logging.basicConfig(format="cytomill: %(message)s")
    address = address_of(host)
    if free and not ipaddress.ip_address(address).is_loopback:
        raise OptionError(
            f"--no-token: whoever reaches {address} could do anything; use --host 127.0.0.1, or "
            "leave it out"
        )
    with listening(address, port) as where:
        asyncio.run(_serve(create(backend, free=free), where, say, linger))


async def _serve(app: FastAPI, where: socket.socket, say: Say, linger: float) -> None:
    server = Server(app)
    on_signal(lambda: server.leave(linger))
    running = asyncio.create_task(server.serve([where]))
    while not server.started and not running.done():
        await asyncio.sleep(0.01)
    address, port = where.getsockname()[:2]
    if server.started:
        say(url("http", address, port))
        say("ready")
    await running
    if not server.started:  # why not was not told
        raise CytomillError("the API could not be started; please report this")


class Server(uvicorn.Server):
    """Serves ``app`` in a loop that has other work, and leaves signals to it."""

    def __init__(self, app: FastAPI) -> None:
        self._hub, self._readiness = app.state.hub, app.state.readiness
        proxies = app.state.backend.settings.proxies
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                ws="none",
                lifespan="on",
                log_config=None,
                # It logs with tracebacks; what goes wrong is told in a line by the application.
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                # Longer than clients keep a connection for their next request.
                timeout_keep_alive=75,
                timeout_graceful_shutdown=DRAIN,
            )
        )

    def capture_signals(self) -> contextlib.nullcontext[None]:  # type: ignore[override]
        """None are."""
        return contextlib.nullcontext()

    def leave(self, seconds: float) -> None:
        """Say from now on that it is not ready, and stop in ``seconds``."""
        self._readiness.leaving = True
        asyncio.get_running_loop().call_later(seconds, self.stop)

    def stop(self) -> None:
        """Take no more requests; event streams end, what else is in hand is finished."""
        self._hub.close()
        self.should_exit = True
