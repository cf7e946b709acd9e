"""Test images as they are built: what is in them, and that they do their work.

    .venv/bin/python deploy/images/check.py NAME:TAG…

Each container has a root that nobody writes to, no rights, and user 10001; only /tmp and a volume
at /data are its own. CONTAINER_ENGINE and CONTAINER_RUN are the program and what it needs to run
here. Ends with status 1 and what went wrong.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from cytomill.kiosk import redis_server

ENGINE = os.environ.get("CONTAINER_ENGINE", "podman").split()
RUN = os.environ.get("CONTAINER_RUN", "").split()

#: Bytes that an image may have, unpacked; nothing is said of the others.
MOST = {"cytomill": 400e6, "cytomill-model-server": 400e6}

T = TypeVar("T")

#: Where the packages are in the images.
PACKAGES = "usr/local/lib/python3.11/dist-packages"

#: Seconds after which a part that is not ready is taken not to become so.
PATIENCE = 180

#: Names of files that tell where packages come from, or what was kept of fetching them.
_TELLING = re.compile(r"(^|/)(pip\.conf|\.netrc|\.pypirc|\.npmrc|sources\.list.*|\.cache)(/|$)")


def main(images: list[str]) -> None:
    """Test them all."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = {image: inspect(image, Path(folder)) for image in images}
    for image in images:
        commands(image)
    named = {image.rpartition("/")[2].partition(":")[0]: image for image in images}
    for name in ("cytomill", "cytomill-openvino"):
        if name in named:
            with _volume() as data:
                batch(named[name], data)
    if "cytomill" in named:
        with _volume() as data:
            kiosk(named["cytomill"], named.get("cytomill-model-server"), data)
    for image, size in sizes.items():
        most = MOST.get(image.rpartition("/")[2].partition(":")[0], math.inf)
        _expect(size <= most, f"{image}: has {size / 1e6:.0f} MB, more than {most / 1e6:.0f} MB")
    print("all is well")


def inspect(image: str, folder: Path) -> float:
    """Its user, and that no file in any layer is what should not be there; its bytes unpacked."""
    told = json.loads(_engine("image", "inspect", image))[0]
    config = told["Config"]
    _expect(config["User"] == "10001:10001", f"{image}: its user is {config['User']}")
    _expect(not config.get("Volumes"), f"{image}: has volumes")
    saved = folder / "image.tar"
    _engine("save", "--output", str(saved), image)
    secrets = _secrets()
    _expect(not secrets or not _has(json.dumps(told).encode(), secrets), f"{image}: tells of pip")
    packed, page = 0, False
    with tarfile.open(saved) as layers:
        for layer in layers:
            # Besides layers there are descriptions: NAME.json, and in older archives NAME/json.
            if layer.isfile() and not layer.name.endswith("json") and layer.size > 1024:
                packed += _look(image, layers.extractfile(layer), secrets)
                with tarfile.open(fileobj=layers.extractfile(layer)) as files:
                    page |= f"{PACKAGES}/cytomill/kiosk/page/index.html" in files.getnames()
    saved.unlink()
    _expect(page, f"{image}: the page is not in it")
    print(f"{image}: {told['Size'] / 1e6:.0f} MB, {packed / 1e6:.0f} MB packed")
    return float(told["Size"])


def _look(image: str, layer: Any, secrets: list[bytes]) -> int:
    """Look at each file of a layer; its bytes packed, as a registry keeps it."""
    with tarfile.open(fileobj=layer) as files:
        for one in files:
            where = f"{image}: {one.name}"
            _expect(not one.mode & 0o6000, f"{where}: runs with the rights of another")
            shared = one.mode & 0o002 and not one.issym() and not one.mode & 0o1000
            _expect(not shared, f"{where}: all may write to it")
            _expect(not _TELLING.search(one.name), f"{where}: should not be there")
            if one.isfile() and secrets:
                data = files.extractfile(one)
                assert data is not None
                _expect(not _has(data.read(), secrets), f"{where}: tells where packages come from")
    layer.seek(0)
    counted = _Counted()
    with gzip.GzipFile(fileobj=counted, mode="wb", compresslevel=6, mtime=0) as out:
        while piece := layer.read(1 << 20):
            out.write(piece)
    return counted.size


class _Counted:
    """What counts what is written to it."""

    size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept."""


def _secrets() -> list[bytes]:
    """What this machine's pip is told, which is nobody else's affair."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    words = re.findall(r"(?:(?:https?|file)://|/)[^\s']+", told)
    plain = {"/etc/ssl/certs/ca-certificates.crt"}
    return [word.encode() for word in words if word not in plain and len(word) > 8]


def _has(data: bytes, words: list[bytes]) -> bool:
    return any(word in data for word in words)


def commands(image: str) -> None:
    """What it says when it is asked for help, and that nothing can be written to its root."""
    _expect("Usage: cytomill" in _run(image, "--help"), f"{image}: has no help")
    own = "model-server" if "model-server" in image else "consumer"
    _expect("Usage: cytomill" in _run(image, own, "--help"), f"{image}: {own}: has no help")
    tried = _run(
        image,
        "-c",
        "import os, pathlib\n"
        "print(os.getuid(), [str(p) for p in map(pathlib.Path, ['/', '/usr', '/etc', '/run'])"
        " if os.access(p, os.W_OK)], os.access('/tmp', os.W_OK))",
        entrypoint="/usr/bin/python3.11",
    )
    _expect(tried.strip() == "10001 [] True", f"{image}: may write to {tried}")


def batch(image: str, data: str) -> None:
    """Images are made, their nuclei found and scored; the model gives what it should."""
    _run(image, "sample", "-o", "/data/in", "--count", "4", "-q", data=data)
    begun = time.monotonic()
    _run(image, "run", "/data/in/images", "-o", "/data/out", "-q", data=data)
    took = time.monotonic() - begun
    print(f"{image}: four images take {took:.1f} s from nothing; F1 {_score(image, data):.3f}")
    _run(image, "models", "test", "nuclei", data=data)
    words = ["--kind", "movie", "--frames", "4", "--size", "512x512", "-q"]
    _run(image, "sample", "-o", "/data/movie", *words, data=data)
    _run(image, "run", "-p", "track", "/data/movie/01", "-o", "/data/cells", "-q", data=data)


def _score(image: str, data: str) -> float:
    """F1 of the nuclei found; the model's own, whatever computes it."""
    told = json.loads(_run(image, "evaluate", "/data/out", "/data/in/truth", "--json", data=data))
    score = float(told["pooled"]["f1"])
    _expect(score > 0.9, f"{image}: nuclei are found with F1 {score}")
    return score


def kiosk(image: str, server: str | None, data: str) -> None:
    """The API, a consumer and a model server, each a container, do a job to its end.

    Redis is this machine's: nothing of it is in the images.
    """
    port, redis_port, grpc = _ports(3)
    queue = {"CYTOMILL_REDIS": f"redis://127.0.0.1:{redis_port}"}
    with contextlib.ExitStack() as parts:
        parts.enter_context(_redis(redis_port))
        token = _until(lambda: _token(image, queue), "Redis")
        api = parts.enter_context(_part(image, ["api", "--port", str(port)], data, queue))
        if server:
            served = ["model-server", "--grpc-port", str(grpc), "--http-port", "0"]
            parts.enter_context(_part(server, [*served, "--metrics-port", "0"], data, {}))
            queue = {**queue, "CYTOMILL_MODEL_SERVER": f"grpc://127.0.0.1:{grpc}"}
        consumer = parts.enter_context(_part(image, ["consumer", "--threads", "2"], data, queue))
        address = f"http://127.0.0.1:{port}"
        _until(lambda: _answers(f"{address}/api/v1/health/ready"), "the API")
        _expect("<div id" in _fetch(f"{address}/"), "the page is not served")
        shown = {"CYTOMILL_SERVER": address, "CYTOMILL_TOKEN": token}
        _run(image, "sample", "-o", "/data/in", "--count", "4", "-q", data=data)
        words = ["submit", "/data/in/images", "-o", "/data/out", "-q"]
        _run(image, *words, data=data, settings=shown)
        print(f"{image}: a job of the kiosk has F1 {_score(image, data):.3f}")
        for name in (consumer, api):
            _stop(name)


def _engine(*words: str) -> str:
    done = subprocess.run([*ENGINE, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _words(data: str | None, settings: dict[str, str] | None, entrypoint: str | None) -> list[str]:
    words = [*RUN, "--network", "host", "--read-only", "--cap-drop", "all"]
    words += ["--security-opt", "no-new-privileges", "--tmpfs", "/tmp:mode=1777"]
    words += ["--volume", f"{data}:/data"] if data else []
    words += ["--entrypoint", entrypoint] if entrypoint else []
    for name, value in (settings or {}).items():
        words += ["--env", f"{name}={value}"]
    return words


def _run(
    image: str,
    *command: str,
    data: str | None = None,
    settings: dict[str, str] | None = None,
    entrypoint: str | None = None,
) -> str:
    """What a container of the image prints; it must end well."""
    return _engine("run", "--rm", *_words(data, settings, entrypoint), image, *command)


@contextlib.contextmanager
def _part(
    image: str,
    command: list[str],
    data: str,
    settings: dict[str, str],
    entrypoint: str | None = None,
) -> Iterator[str]:
    """A container that runs meanwhile; what it said is told where something goes wrong."""
    words = _words(data, settings, entrypoint)
    name = _engine("run", "--detach", *words, image, *command).strip()
    try:
        yield name
    except BaseException:
        told = subprocess.run([*ENGINE, "logs", name], capture_output=True, text=True, check=False)
        print(f"{command}:\n{told.stdout}{told.stderr}", file=sys.stderr)
        raise
    finally:
        _engine("rm", "--force", "--time", "0", name)


@contextlib.contextmanager
def _volume() -> Iterator[str]:
    name = _engine("volume", "create").strip()
    try:
        yield name
    finally:
        _engine("volume", "rm", "--force", name)


def _stop(name: str) -> None:
    """Ask a container to end with SIGTERM: it does so by itself, and says that all is well."""
    begun = time.monotonic()
    _engine("stop", "--time", "60", name)
    told = json.loads(_engine("container", "inspect", name))[0]
    command = " ".join(told["Config"]["Cmd"])
    _expect(told["State"]["ExitCode"] == 0, f"{command}: ended with {told['State']['ExitCode']}")
    print(f"{command}: ends {time.monotonic() - begun:.1f} s after SIGTERM")


def _token(image: str, settings: dict[str, str]) -> str:
    words = [*_words(None, settings, None), image, "tokens", "create", "--user", "test", "--json"]
    done = subprocess.run(
        [*ENGINE, "run", "--rm", *words], capture_output=True, text=True, check=False
    )
    return str(json.loads(done.stdout)["token"]) if done.returncode == 0 else ""


@contextlib.contextmanager
def _redis(port: int) -> Iterator[None]:
    words = [str(redis_server.find()), "--port", str(port), "--save", "", "--loglevel", "warning"]
    server = subprocess.Popen(words)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def _until(ready: Callable[[], T], what: str) -> T:
    limit = time.monotonic() + PATIENCE
    while not (found := ready()):
        _expect(time.monotonic() < limit, f"{what}: is not ready after {PATIENCE} s")
        time.sleep(0.3)
    return found


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(_fetch(url))
    return False


def _ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        made = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in made:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in made]


def _expect(held: object, fault: str) -> None:
    if not held:
        sys.exit(fault)


if __name__ == "__main__":
    main(sys.argv[1:])
