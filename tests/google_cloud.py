"""A Google on this machine: the server of `tests.google_project`."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.google_api import VERSIONS
from tests.google_project import GoogleCloud, RefusalError

#: What comes before the paths of an interface where that is more than its version.
PREFIXES = {"compute": "compute/v1/", "storage": "storage/v1/"}


class _Handler(BaseHTTPRequestHandler):
    cloud: GoogleCloud
    protocol_version = "HTTP/1.1"
    # Answers would wait 40 ms for each other.
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        split = urlsplit(self.path)
        _, service, path = split.path.split("/", 2)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, headers = 200, {}
        try:
            assert self.headers["Authorization"] == "Bearer a-token"
            assert self.headers["X-Goog-User-Project"] == self.cloud.project.id
            answer = self.cloud.handle(service, self.command, path, split.query, body)
        except RefusalError as error:
            status, headers = error.status, error.headers
            answer = _error(service, error)
        except Exception:
            self.cloud.faults.append(traceback.format_exc())
            status, answer = 418, {"error": {"message": "a fault of the test", "code": 418}}
        text = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(204 if answer is None else status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


def _error(service: str, error: RefusalError) -> dict[str, Any]:
    """As older interfaces say it, and newer ones."""
    told = {"code": error.status, "message": str(error)}
    if service in ("compute", "storage"):
        return {"error": {**told, "errors": [{"reason": error.reason, "message": str(error)}]}}
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    details = [{"@type": kind, "reason": error.reason}] if error.status == 403 else []
    return {"error": {**told, "status": error.reason, "details": details}}


@contextmanager
def google_cloud() -> Iterator[GoogleCloud]:
    """A Google with a project that has nothing yet, and plenty of quota."""
    cloud = GoogleCloud()
    project = cloud.project
    project.policies["project"] = {
        "version": 3,
        "etag": "BwX0",
        "bindings": [{"role": "roles/owner", "members": ["user:ann@example.org"]}],
    }
    names = "CPUS PREEMPTIBLE_CPUS A2_CPUS N2_CPUS INSTANCES SSD_TOTAL_GB IN_USE_ADDRESSES "
    names += "INSTANCE_GROUP_MANAGERS"
    for part in ("T4", "L4", "V100", "A100"):
        names += f" NVIDIA_{part}_GPUS PREEMPTIBLE_NVIDIA_{part}_GPUS"
    project.quotas = dict.fromkeys(names.split(), 100_000.0)
    project.whole = {"CPUS_ALL_REGIONS": 1e5, "GPUS_ALL_REGIONS": 1e3, "NETWORKS": 5.0}
    project.machines = {
        "e2-standard-4": 4,
        "e2-standard-8": 8,
        "n1-standard-4": 4,
        "g2-standard-4": 4,
        "a2-highgpu-1g": 12,
    }
    project.gpus = {
        "nvidia-tesla-t4": ["europe-west4-a", "europe-west4-b", "europe-west4-c"],
        "nvidia-l4": ["europe-west4-a", "europe-west4-b"],
        "nvidia-tesla-v100": ["europe-west4-a"],
        "nvidia-tesla-a100": ["europe-west4-a", "europe-west4-b"],
    }
    handler = type("Handler", (_Handler,), {"cloud": cloud})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    base = f"http://127.0.0.1:{server.server_port}"
    cloud.endpoints = {
        name: f"{base}/{name}/{PREFIXES.get(name, version + '/')}"
        for name, version in VERSIONS.items()
    }
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not cloud.faults, "\n".join(cloud.faults)
