"""A Redis server, the queues that use it, and their workers, which may be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from cytomill.kiosk import redis_server

from .common import ROOT
from .queues import cytomill_worker

#: Seconds that anything may take.
_PATIENCE = 300.0

#: Seconds between two looks at how far a worker is.
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Contestant:
    """A queue with its worker's command line."""

    title: str
    module: str
    work: tuple[str, ...]


def _celery(*pool: str) -> tuple[str, ...]:
    words = ("celery", "-A", "benchmarks.queues.celery_worker", "worker", "--loglevel", "ERROR")
    return (*words, "--without-gossip", "--without-mingle", "--without-heartbeat", *pool)


def _dramatiq(threads: int) -> tuple[str, ...]:
    words = ("dramatiq", "benchmarks.queues.dramatiq_worker", "--processes", "1")
    return (*words, "--threads", str(threads))


_OURS = "benchmarks.queues.cytomill_worker"
_CELERY = "benchmarks.queues.celery_worker"
_DRAMATIQ = "benchmarks.queues.dramatiq_worker"

CONTESTANTS = {
    "cytomill": Contestant("Cytomill, 16 at a time", _OURS, (_OURS, "work", "16")),
    "cytomill 1": Contestant("Cytomill, one at a time", _OURS, (_OURS, "work", "1")),
    "celery solo": Contestant("Celery, solo", _CELERY, _celery("--pool", "solo")),
    "celery prefork": Contestant(
        "Celery, prefork of 1", _CELERY, _celery("--pool", "prefork", "--concurrency", "1")
    ),
    "dramatiq 1": Contestant("dramatiq, 1 thread", _DRAMATIQ, _dramatiq(1)),
    "dramatiq 8": Contestant("dramatiq, 8 threads", _DRAMATIQ, _dramatiq(8)),
}


@contextmanager
def server(folder: Path, *, core: int | None = None) -> Iterator[redis.Redis]:
    """A client of a new Redis server with the kiosk's own settings, on one ``core`` or on all."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        # Not the kiosk's own care for each write: the disk would be measured, not the queues.
        often = ["--appendfsync", "everysec"]
        command = [*pinned(core), *redis_server.command(folder), *often]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with redis.Redis.from_url(redis_server.url(folder), decode_responses=True) as client:
            _wait(lambda: _answers(client), "Redis does not start")
            yield client
    finally:
        process.kill()
        process.wait()


def address(folder: Path) -> str:
    """Where the server of ``folder`` is."""
    return redis_server.url(folder)


def pinned(core: int | None) -> list[str]:
    """What to put before a command that is to run on one core."""
    return [] if core is None else ["taskset", "-c", str(core)]


@contextmanager
def worker(
    who: Contestant, url: str, settings: Mapping[str, str], log: Path, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The worker while it runs; it and its processes are killed in the end."""
    command = [*pinned(core), sys.executable, "-m", *who.work]
    with log.open("ab") as told:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "QUEUE_URL": url, **settings},
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and its processes as a power cut does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def fill(who: Contestant, client: redis.Redis, url: str, tasks: int) -> float:
    """Put the tasks into an empty server; seconds that it took with the start of a program."""
    client.flushall()
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", who.module, "fill", str(tasks)],
        cwd=ROOT,
        env={**os.environ, "QUEUE_URL": url},
        check=True,
    )
    return time.perf_counter() - begun


def rate(
    who: Contestant, client: redis.Redis, folder: Path, tasks: int, core: int | None = None
) -> float:
    """Tasks a second, less the first and the last tenth, in which workers start and wait."""
    url = address(folder)
    fill(who, client, url, tasks)
    before = client.dbsize()
    with worker(who, url, {}, folder / "worker.log", core) as process:
        looks: list[tuple[float, int]] = []
        while not looks or looks[-1][1] < 0.9 * tasks:
            _alive(process, folder, looks[0][0] if looks else time.perf_counter())
            done = _done(who, client, before)
            if done >= 0.1 * tasks or looks:
                looks.append((time.perf_counter(), done))
            time.sleep(_LOOK)
    (begun, first), (ended, last) = looks[0], looks[-1]
    return (last - first) / (ended - begun)


def faults(
    who: Contestant, client: redis.Redis, folder: Path, tasks: int, patience: float
) -> dict[str, float]:
    """Kill a worker half-way, start another, and count what became of the tasks."""
    url, told = address(folder), folder / "told"
    told.unlink(missing_ok=True)
    fill(who, client, url, tasks)
    settings = {"QUEUE_PAUSE": "0.005", "QUEUE_TOLD": str(told)}
    with worker(who, url, settings, folder / "worker.log") as process:
        _wait(lambda: len(_told(told)["ended"]) >= tasks // 2, "the worker does not work")
        kill(process)
    begun = time.perf_counter()
    with worker(who, url, settings, folder / "worker.log"):
        while time.perf_counter() - begun < patience and len(_told(told)["stored"]) < tasks:
            time.sleep(_LOOK)
        seconds = time.perf_counter() - begun
        # What is done a second time comes late, too.
        time.sleep(1)
    counts = _told(told)
    return {
        "lost": tasks - len(counts["stored"]),
        "ended twice": sum(count > 1 for count in counts["ended"].values()),
        "stored twice": sum(count > 1 for count in counts["stored"].values()),
        "seconds": seconds,
    }


def _told(path: Path) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {"ended": Counter(), "stored": Counter()}
    if path.exists():
        for line in path.read_text().splitlines():
            what, _, number = line.partition(" ")
            counts[what][number] += 1
    return counts


def _done(who: Contestant, client: redis.Redis, before: int) -> int:
    """Results that are stored: of peers each is a key."""
    if who.module == _OURS:
        return int(client.hget(f"{{cytomill}}:job:{cytomill_worker.NAME}", "done") or 0)
    return int(client.dbsize()) - before


def _alive(process: subprocess.Popen[bytes], folder: Path, since: float) -> None:
    if process.poll() is not None or time.perf_counter() - since > _PATIENCE:
        sys.exit(f"a worker does not work; see {folder / 'worker.log'}")


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _wait(true: Callable[[], bool], fault: str) -> None:
    end = time.perf_counter() + _PATIENCE
    while not true():
        if time.perf_counter() > end:
            sys.exit(fault)
        time.sleep(_LOOK)
