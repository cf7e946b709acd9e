"""Consumers in processes of their own, and jobs for them, without an API."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from cytomill.jobs import layout
from cytomill.jobs.items import read
from cytomill.jobs.job import Job
from cytomill.jobs.uploads import Uploads
from cytomill.kiosk import record
from cytomill.kiosk.backend import Backend
from cytomill.kiosk.record import ItemRecord
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.settings import Settings

#: Seconds after which a test has hung.
PATIENCE = 120.0


def image(path: Path, *, seed: int = 0, size: tuple[int, int] = (96, 128)) -> Path:
    """A small picture of nuclei."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels, _ = nuclei(Scene(shape=size), seed)
    tifffile.imwrite(path, pixels)
    return path


def wait_for(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Until ``true()`` is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it has not come"
        time.sleep(0.02)


@dataclass
class Lab:
    """A queue and a bucket, with what a test does to them."""

    backend: Backend
    uploads: Uploads

    @classmethod
    def of(cls, redis_url: str, bucket: Path | str, **settings: Any) -> Lab:
        backend = Backend.of(replace(Settings(), redis=redis_url, bucket=str(bucket), **settings))
        return cls(backend, Uploads(backend.redis, backend.bucket, backend.settings))

    def upload(self, folder: Path, owner: str = "ann") -> str:
        """All files of ``folder``."""
        made = self.uploads.create(owner)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                self.uploads.put(made.id, name, [path.read_bytes()])
        return made.id

    def submit(self, *uploads: str, pipeline: str = "nuclei", **fields: Any) -> Job:
        inputs = fields.pop("inputs", tuple({"upload": name} for name in uploads))
        owner = fields.pop("owner", "ann")
        job = Job(id=secrets.token_hex(12), owner=owner, pipeline=pipeline, inputs=inputs, **fields)
        return self.backend.queue.submit(job)

    def job(self, job: Job) -> Job:
        found = self.backend.queue.job(job.id)
        assert found is not None
        return found

    def wait(self, job: Job, seconds: float = PATIENCE) -> Job:
        """Until the job has ended."""
        wait_for(lambda: self.job(job).state.ended, seconds)
        return self.job(job)

    def records(self, job: Job) -> dict[str, ItemRecord]:
        """What came of the items by name."""
        job = self.job(job)
        states = self.backend.queue.states(job, 0, job.items)
        items = read(self.backend.bucket, job.id, 0, job.items)
        found = {}
        for number, (item, (state, attempt)) in enumerate(zip(items, states, strict=True)):
            try:
                found[item.name] = record.read(self.backend.bucket, job.id, number, attempt)
            except record.MissingError:
                told = self.backend.queue.errors(job, [number]).get(number, "")
                found[item.name] = ItemRecord(item.name, state, error=told)
        return found

    def output(self, told: ItemRecord, end: str) -> bytes:
        (key,) = [one.key for one in told.outputs if one.name.endswith(end)]
        return self.backend.bucket.get(key)

    def report(self, job: Job, name: str) -> bytes:
        return self.backend.bucket.get(f"{layout.report(job.id)}/{name}")

    def orphans(self, job: Job) -> list[str]:
        """Objects of a job that nothing speaks of."""
        known = {one.key for told in self.records(job).values() for one in told.outputs}
        job = self.job(job)
        states = self.backend.queue.states(job, 0, job.items)
        known |= {record.key(job.id, i, attempt) for i, (_, attempt) in enumerate(states)}
        known |= {one.key for one in self.backend.bucket.list(layout.report(job.id))}
        known |= {one.key for one in self.backend.bucket.list(f"{layout.job(job.id)}/items")}
        return [
            one.key
            for one in self.backend.bucket.list(layout.job(job.id))
            if not any(one.key == key or one.key.startswith(f"{key}/") for key in known)
        ]


@dataclass
class Running:
    """A consumer."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def said(self) -> str:
        return self.log.read_text()


@dataclass
class Consumers:
    """Starts consumers of a lab, which do not outlive it."""

    lab: Lab
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = ("-m", "cytomill")
    started: list[Running] = field(default_factory=list)

    def start(self, *words: object, **environment: object) -> Running:
        """A consumer that is ready."""
        running = self.begin(*words, **environment)
        assert running.process.stdout is not None
        line = running.process.stdout.readline()
        assert line == f"consumer {running.name} ready\n", running.said()
        return running

    def begin(self, *words: object, **environment: object) -> Running:
        """A consumer that may not be ready yet."""
        name = f"c{len(self.started)}"
        log = self.folder / f"{name}.log"
        own = {f"CYTOMILL_{key.upper()}": str(value) for key, value in environment.items()}
        settings = self.lab.backend.settings
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, *self.program, "consumer", "--name", name, *map(str, words)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={
                    **os.environ,
                    "CYTOMILL_REDIS": settings.redis,
                    "CYTOMILL_BUCKET": settings.bucket,
                    **self.environment,
                    **own,
                },
            )
        running = Running(name, process, log)
        self.started.append(running)
        return running

    def end(self) -> None:
        for one in self.started:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.kill()
            assert one.process.stdout is not None
            one.process.stdout.close()


@contextmanager
def lab(folder: Path, redis_url: str, **settings: Any) -> Iterator[tuple[Lab, Consumers]]:
    """A queue and a bucket in ``folder``, and the consumers of them."""
    made = Lab.of(redis_url, settings.pop("bucket", folder / "bucket"), **settings)
    consumers = Consumers(made, folder)
    try:
        yield made, consumers
    finally:
        consumers.end()
        made.backend.redis.close()
    for one in consumers.started:
        assert "Traceback" not in one.said(), one.said()


def pixels(data: bytes) -> np.ndarray[Any, Any]:
    """Of a TIFF."""
    import io

    return tifffile.imread(io.BytesIO(data))
