"""A host of models on this machine, over HTTPS."""

from __future__ import annotations

import functools
import http.server
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cytomill.models.download import Downloader
from tests.conftest import requires


@dataclass(frozen=True)
class Host:
    """A server whose files are in ``folder``, and a downloader that may reach it.

    ``/moved/URL`` redirects to ``URL``; ``/short/…`` breaks off early.
    """

    folder: Path
    url: str
    downloader: Downloader


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.startswith("/short/"):
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of ``localhost`` with its key."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([requires("openssl"), *made, *names], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def host(tmp_path: Path, certificate: Path) -> Iterator[Host]:
    """A host, which is not on the internet but may be reached."""
    folder = tmp_path / "host"
    folder.mkdir()
    handler: Callable[..., _Handler] = functools.partial(_Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    trusted = ssl.create_default_context(cafile=str(certificate))
    downloader = Downloader(("localhost",), lambda _: True, trusted)
    yield Host(folder, f"https://localhost:{server.server_port}", downloader)
    server.shutdown()
    server.server_close()
    thread.join()
