"""A real HTTP server that answers as a test says: for kiosks that misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Answers a request, with the handler's own methods or with those below.
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The address of a server whose requests, of any method, are given to ``answer``.

    They have a ``body``.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer(self)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Clients that go away are part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tell(request: BaseHTTPRequestHandler, status: int, told: Any, **headers: str) -> None:
    """Answer with JSON."""
    body = json.dumps(told).encode()
    request.send_response(status)
    request.send_header("Content-Type", headers.pop("kind", "application/json"))
    request.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


def problem(request: BaseHTTPRequestHandler, status: int, code: str, **more: str) -> None:
    """Answer with a problem document."""
    told = {"type": "about:blank", "title": "No", "status": status, "detail": f"it is {code}"}
    hint = {"code": code, "hint": "do else"}
    tell(request, status, told | hint, kind="application/problem+json", **more)
