"""The API with many users looking on: open event streams, and requests meanwhile.

Jobs are submitted all the while, so that every stream has something to tell. Requests are sent when
they are due, whether or not the ones before were answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import shutil
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .chaos import small_images
from .common import bar, conclude, show
from .common import parser as common_parser
from .kiosk_server import Kiosk

NAME = "api_load"

#: Most that the memory of the API may grow, from the first fifth of the time to its end.
GROWTH = 0.05

#: Streams that are opened at once.
_TOGETHER = 50

#: Seconds between two jobs.
_EVERY = 1.0

#: Connections for the requests, and the length of an answer.
_CONNECTIONS = 50
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

#: Looks at the memory.
_LOOKS = 20


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--streams", type=int, default=1000, help="open event streams")
    made.add_argument("--rate", type=float, default=200.0, help="requests a second")
    made.add_argument("--seconds", type=float, default=60.0, help="how long")
    return made


@dataclass
class _Load:
    """What has happened so far."""

    kiosk: Kiosk
    upload: str
    job: str
    waits: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    events: int = 0
    open: int = 0
    broken: int = 0
    bytes: list[int] = field(default_factory=list)


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Open the streams, send the requests, look at the memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, asked.streams + 500)), hard))
    home = asked.scratch / NAME
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    # Far from what one user may do: here one user is all of them.
    settings = {"CYTOMILL_USER_REQUESTS": str(round(100 * asked.rate))}
    with Kiosk(home / "kiosk", ["--in-process"], free=True, settings=settings) as kiosk:
        upload = kiosk.upload(small_images(home / "images", 4, 64))
        job = kiosk.submit(upload)
        kiosk.until(lambda: kiosk.job(job)["state"] == "done")
        load = _Load(kiosk, upload, job)
        asyncio.run(_drive(load, asked))
    waits = sorted(load.waits)
    settled = load.bytes[_LOOKS // 5]
    faults = sum(n for code, n in load.answers.items() if code.startswith("5") or code == "none")
    return {
        "streams": load.open,
        "events": load.events,
        "requests": len(waits),
        "rate": len(waits) / asked.seconds,
        "answers": dict(load.answers),
        "milliseconds": {
            "median": 1000 * statistics.median(waits),
            "p95": 1000 * waits[int(0.95 * len(waits))],
            "p99": 1000 * waits[int(0.99 * len(waits))],
            "max": 1000 * waits[-1],
        },
        "bytes": load.bytes,
        "bars": [
            bar("open event streams", load.open, least=asked.streams),
            bar("requests/s meanwhile", len(waits) / asked.seconds, least=0.99 * asked.rate),
            bar("answers 5xx, and requests without one", faults, most=0),
            bar("streams that broke off", load.broken, most=0),
            bar("growth of the memory", load.bytes[-1] / settled - 1, most=GROWTH),
        ],
    }


async def _drive(load: _Load, asked: argparse.Namespace) -> None:
    ending = asyncio.Event()
    streams: list[asyncio.Task[None]] = []
    for first in range(0, asked.streams, _TOGETHER):
        for _ in range(min(_TOGETHER, asked.streams - first)):
            streams.append(asyncio.create_task(_follow(load, ending)))
        while load.open + load.broken < len(streams):
            await asyncio.sleep(0.01)
    pool = _Pool(load.kiosk.port)
    others = [asyncio.create_task(_look(load, asked.seconds))]
    others += [asyncio.create_task(_submit(load, pool, asked.seconds))]
    paths = _paths(load)
    begun, sent = time.perf_counter(), []
    for number in range(round(asked.rate * asked.seconds)):
        due = begun + number / asked.rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent.append(asyncio.create_task(_ask(load, pool, paths[number % len(paths)], due)))
    await asyncio.gather(*sent, *others)
    pool.close()
    ending.set()
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)


def _paths(load: _Load) -> list[str]:
    job = f"/jobs/{load.job}"
    return ["/jobs?limit=20", job, f"{job}/items?limit=20", f"{job}/items/0", "/me", "/pipelines"]


async def _follow(load: _Load, ending: asyncio.Event) -> None:
    """Keep an event stream open, and count what comes."""
    writer, mark = None, b"event: job"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", load.kiosk.port)
        writer.write(_request("GET", "/events"))
        if b" 200 " not in await reader.readline():
            raise ConnectionError
        load.open += 1
        rest = b""
        while chunk := await reader.read(2**16):
            rest += chunk
            load.events += rest.count(mark)
            rest = rest[-len(mark) + 1 :]  # where one may have begun
        raise ConnectionError
    except OSError:
        if not ending.is_set():
            load.broken += 1
    finally:
        if writer is not None:
            writer.close()


class _Pool:
    """Connections that are kept for the next request.

    A client library would need more of the machine than the server that it is to measure.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._free = asyncio.Semaphore(_CONNECTIONS)

    async def ask(self, request: bytes) -> str:
        """The status code of the answer, ``none`` where there is none."""
        async with self._free:
            try:
                if not self._idle:
                    self._idle.append(await asyncio.open_connection("127.0.0.1", self._port))
                reader, writer = connection = self._idle.pop()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                if length is None:
                    raise ConnectionError
                await reader.readexactly(int(length[1]))
            except (OSError, EOFError):
                return "none"
            self._idle.append(connection)
            return head[9:12].decode()

    def close(self) -> None:
        """Close them all."""
        for _, writer in self._idle:
            writer.close()


def _request(method: str, path: str, body: bytes = b"") -> bytes:
    told = f"{method} /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        told += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{told}\r\n".encode() + body


async def _ask(load: _Load, pool: _Pool, path: str, due: float) -> None:
    """A request; its time counts from when it should have been sent."""
    code = await pool.ask(_request("GET", path))
    load.waits.append(time.perf_counter() - due)
    load.answers[code] += 1


async def _submit(load: _Load, pool: _Pool, seconds: float) -> None:
    """A small job now and then; all streams are told of it."""
    asked = json.dumps({"pipeline": "nuclei", "inputs": [{"upload": load.upload}]})
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        load.answers[await pool.ask(_request("POST", "/jobs", asked.encode()))] += 1
        await asyncio.sleep(_EVERY)


async def _look(load: _Load, seconds: float) -> None:
    for _ in range(_LOOKS):
        await asyncio.sleep(seconds / _LOOKS)
        load.bytes.append(load.kiosk.memory("API"))


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    waits = found["milliseconds"]
    return [
        ["what", "measured"],
        ["open event streams", f"{found['streams']:,}"],
        ["events that they were sent", f"{found['events']:,}"],
        ["requests a second meanwhile", show(found["rate"], 1)],
        *([f"milliseconds of a request, {name}", show(waits[name], 1)] for name in waits),
        ["MB of the API at first", show(found["bytes"][0] / 1e6, 1)],
        ["MB of the API at the end", show(found["bytes"][-1] / 1e6, 1)],
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
