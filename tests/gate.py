"""A gate before a server that speaks S3: it lets requests through, or refuses them as S3 does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

#: What S3 says, by the code it has for it.
_REFUSALS = {
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature.",
    "AccessDenied": "Access Denied",
    "RequestTimeTooSkewed": "The difference between the request time and the current time is too "
    "large.",
}


class Gate:
    """Stands at ``url``; while ``refuses`` names a refusal of S3, every request gets that."""

    def __init__(self, behind: str) -> None:
        self.refuses, self.behind = "", behind
        self._client = httpx.Client(base_url=behind, timeout=60)
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                gate.answer(self, self.rfile.read(length))

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        if code := self.refuses:
            told = f"<Error><Code>{code}</Code><Message>{_REFUSALS[code]}</Message></Error>"
            self._send(request, 403, {"Content-Type": "application/xml"}, told.encode())
            return
        headers = {k: v for k, v in request.headers.items() if k.lower() != "connection"}
        found = self._client.request(request.command, request.path, content=body, headers=headers)
        skipped = ("connection", "transfer-encoding", "content-encoding", "date", "server")
        kept = {k: v for k, v in found.headers.items() if k.lower() not in skipped}
        self._send(request, found.status_code, kept, found.content)

    @staticmethod
    def _send(
        request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        with suppress(OSError):
            request.send_response(status)
            if "content-length" not in {name.lower() for name in headers}:
                headers = {**headers, "Content-Length": str(len(body))}
            for name, value in headers.items():
                request.send_header(name, value)
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(body)


@contextmanager
def gate(behind: str) -> Iterator[Gate]:
    """A gate for as long as the block takes."""
    made = Gate(behind)
    try:
        yield made
    finally:
        made.close()
