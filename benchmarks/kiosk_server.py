"""A kiosk started as an operator starts it, spoken to over HTTP, and broken on purpose."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cytomill.kiosk import tied

from .process import cytomill
from .server import ports

#: Seconds that a kiosk may take to start, and to answer again when a part of it was killed.
PATIENCE = 120.0

#: What tells the parts apart, in their command lines.
PARTS = {
    "redis": re.compile(r"redis-server|valkey-server"),
    "model server": re.compile(r" model-server "),
    "API": re.compile(r" cytomill api "),
    "consumer": re.compile(r" consumer "),
}


@dataclass
class Kiosk:
    """A kiosk on one machine, with its data in the folder ``data``; it may be killed and started.

    Use it as a context. ``free`` asks for no token.
    """

    data: Path
    options: Sequence[object] = ()
    free: bool = False
    settings: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        (self.port,) = ports(1)
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=httpx.Timeout(30.0)
        )

    def __enter__(self) -> Kiosk:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.stop()

    def start(self) -> float:
        """Start it and wait until it is ready; returns the seconds that took."""
        words = ["serve", "--data", self.data, "--port", self.port, *self.options]
        words += ["--no-token"] if self.free else []
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CYTOMILL_")}
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            # It must not outlive a benchmark that is killed.
            [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), *cytomill(*words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, "PYTHONUNBUFFERED": "1", **(self.settings or {})},
        )
        self.lines.clear()
        self._listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._listener.start()
        self.until(lambda: "ready" in self.lines or self.process.poll() is not None)
        if "ready" not in self.lines:
            sys.exit("the kiosk does not start:\n" + "\n".join(self.lines))
        if not self.free:
            token = (self.data / "token").read_text().strip()
            self.http.headers["Authorization"] = f"Bearer {token}"
        return time.perf_counter() - begun

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self._listener.join()
            self.process = None

    def kill(self) -> None:
        """End the supervisor as ``kill -9`` does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._listener.join()
        self.process = None

    def pids(self) -> dict[str, list[int]]:
        """The processes of each part that there are now."""
        assert self.process is not None
        found: dict[str, list[int]] = {name: [] for name in PARTS}
        for pid in _children(self.process.pid):
            with suppress(OSError):
                told = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                for name, words in PARTS.items():
                    if "tied.py" not in told and words.search(told):
                        found[name].append(pid)
        return found

    def memory(self, part: str) -> int:
        """Bytes that the processes of a part have in memory."""
        together = 0
        for pid in self.pids()[part]:
            with suppress(OSError):
                told = Path(f"/proc/{pid}/statm").read_text().split()
                together += int(told[1]) * os.sysconf("SC_PAGE_SIZE")
        return together

    def until(self, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for something; ends the benchmark where it does not come."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                sys.exit("the kiosk did not do it in time:\n" + "\n".join(self.lines[-20:]))
            time.sleep(0.02)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request that is sent again while the kiosk is away; ends the benchmark on an error."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.http.request(method, path, **more)
            except httpx.TransportError as error:
                told = str(error)
            else:
                if answer.status_code not in (429, 502, 503, 504):
                    if answer.is_error:
                        sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
                    return answer
                told = answer.text
            if time.monotonic() > end:
                sys.exit(f"{method} {path}: {told}")
            time.sleep(0.1)

    def upload(self, paths: Sequence[Path], callers: int = 4) -> str:
        """Send files one by one; returns the id of the upload."""
        upload: str = self.ask("POST", "/uploads", json={"name": "benchmark"}).json()["id"]

        def send(path: Path) -> None:
            self.ask("PUT", f"/uploads/{upload}/files/{path.name}", content=path.read_bytes())

        with ThreadPoolExecutor(callers) as pool:
            list(pool.map(send, paths))
        return upload

    def submit(self, upload: str, **more: Any) -> str:
        """A job over an upload; returns its id."""
        asked = {"pipeline": "nuclei", "inputs": [{"upload": upload}], **more}
        # Sent again, because the answer was lost, it must not make a second job.
        once = {"Idempotency-Key": secrets.token_hex(8)}
        found: str = self.ask("POST", "/jobs", json=asked, headers=once).json()["id"]
        return found

    def job(self, name: str) -> dict[str, Any]:
        """What the kiosk says of a job."""
        found: dict[str, Any] = self.ask("GET", f"/jobs/{name}").json()
        return found

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as told:
            self.lines.extend(line.rstrip("\n") for line in told)


def end(pid: int) -> bool:
    """``kill -9``; False where the process has gone already, or is 0."""
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found
