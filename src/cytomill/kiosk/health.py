"""Whether a process lives and is ready, and its metrics, over HTTP, for whoever runs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from ..errors import OptionError

#: Seconds that a client may take to send its request.
_PATIENCE = 10.0

_TEXT = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Health(Protocol):
    """What is asked of a process; safe to call from several threads."""

    def live(self) -> str:
        """Why the process should be ended and started again; empty where it should not."""
        ...

    def ready(self) -> str:
        """Why nothing new should be given to it; empty where it may be."""
        ...

    def metrics(self) -> bytes:
        """Its metrics in Prometheus' text format."""
        ...


@contextmanager
def answering(health: Health, port: int, host: str = "0.0.0.0") -> Iterator[int]:
    """Within it ``GET /live``, ``/ready`` and ``/metrics`` are answered at ``port``; 0: a free one.

    The first two with 200, or 503 and the reason. It gives the port. Raises `OptionError` where
    that cannot be had.
    """
    try:
        server = _Server((host, port), _handler(health))
    except OSError as error:
        raise OptionError(
            f"--health-port {port}: cannot listen on {host} ({error.strerror}); choose another port"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # who asks a process that ends need not be waited for

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's business."""


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/live":
                    self._state(health.live())
                case "/ready":
                    self._state(health.ready())
                case "/metrics":
                    self._answer(200, _METRICS, health.metrics())
                case _:
                    self._answer(404, _TEXT, b"there are /live, /ready and /metrics\n")

        def _state(self, fault: str) -> None:
            self._answer(503 if fault else 200, _TEXT, f"{fault or 'ok'}\n".encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes come every few seconds, and are not logged."""

    return Handler
