"""A kiosk's API on a real server, for tests, and a consumer that makes results up."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from cytomill.inference.server.listening import listening
from cytomill.jobs import layout
from cytomill.jobs.items import Item, write_page
from cytomill.jobs.task import Kind, Outcome, Task
from cytomill.jobs.tokens import Role, Tokens
from cytomill.kiosk import record
from cytomill.kiosk.api.app import create
from cytomill.kiosk.api.serve import Server
from cytomill.kiosk.backend import Backend
from cytomill.kiosk.built_page import FOLDER
from cytomill.settings import Settings

#: Seconds after which a test has hung.
PATIENCE = 60.0


@dataclass(frozen=True)
class Kiosk:
    """A running API: its address without ``/api/v1``, a token of the user ``ann``, its backend."""

    url: str
    token: str
    backend: Backend

    def token_of(self, user: str, role: Role = "user", **options: Any) -> str:
        return Tokens(self.backend.redis).create(user, role=role, **options)[0]

    def client(self, token: str | None = None) -> httpx.Client:
        """A client whose paths begin after ``/api/v1``; of ``ann`` where no token is given."""
        sign_in = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=sign_in, timeout=PATIENCE)


@contextmanager
def kiosk(
    folder: Path,
    redis_url: str,
    *,
    free: bool = False,
    page: Path = FOLDER,
    port: int = 0,
    **settings: Any,
) -> Iterator[Kiosk]:
    """An API in a thread, whose bucket is in ``folder``; ``settings`` as of `Settings`."""
    chosen = {"audit": str(folder / "audit.jsonl"), **settings}
    bucket = chosen.pop("bucket", str(folder / "bucket"))
    backend = Backend.of(replace(Settings(), redis=redis_url, bucket=bucket, **chosen))
    with listening("127.0.0.1", port) as where:
        server = Server(create(backend, free=free, page=page))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([where])))
        thread.start()
        try:
            wait_for(lambda: server.started or not thread.is_alive())
            url = f"http://127.0.0.1:{where.getsockname()[1]}"
            token = Tokens(backend.redis).create("ann")[0]
            yield Kiosk(url, token, backend)
        finally:
            server.stop()
            thread.join(PATIENCE)
            backend.redis.close()
    assert not thread.is_alive(), "the API does not end"


def wait_for(true: Callable[[], object]) -> None:
    """Until ``true()`` is."""
    done = threading.Event()
    for _ in range(round(PATIENCE / 0.02)):
        if true():
            return
        done.wait(0.02)
    raise AssertionError("it has not come")


def submit(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A job of an upload of one small file; returns what the API says of it."""
    upload = client.post("/uploads", json={"name": "test"}).json()["id"]
    client.put(f"/uploads/{upload}/files/a.tif", content=b"no image").raise_for_status()
    body = {"pipeline": "nuclei", "inputs": [{"upload": upload}], **fields}
    answer = client.post("/jobs", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def work(
    backend: Backend, names: Sequence[str], *, failed: Collection[str] = (), most: int = 10**9
) -> None:
    """Do what waits: list ``names`` as the items of each job, and make results up.

    Of each item these are two files and one OME-Zarr; ``failed`` have none. After ``most`` tasks
    the rest is left.
    """
    queue = backend.queue
    for _ in range(most):
        tasks = queue.take("test", queue.queues(), 1, idle=True).tasks
        if not tasks:
            return
        _do(backend, tasks[0], names, failed)


def _do(backend: Backend, task: Task, names: Sequence[str], failed: Collection[str]) -> None:
    queue, bucket = backend.queue, backend.bucket
    job = queue.job(task.job)
    assert job is not None
    if task.kind is Kind.LIST:
        items = [Item(name, f"uploads/none/files/{name}", name.split(".")[0]) for name in names]
        for page, first in enumerate(range(0, len(items), layout.PAGE)):
            some = items[first : first + layout.PAGE]
            write_page(bucket, job.id, page, some)
            queue.extend(job, first, len(some), last=first + layout.PAGE >= len(items))
    elif task.kind is Kind.ITEM and names[task.item] in failed:
        queue.finish(task, Outcome.FAILED, reason=f"{names[task.item]}: not a TIFF file")
        return
    elif task.kind is Kind.ITEM:
        outputs = _results(backend, task, names[task.item].split(".")[0])
        told = record.ItemRecord(
            names[task.item], "done", objects=3, seconds={"predict": 0.5}, outputs=outputs
        )
        record.write(bucket, job.id, task.item, task.attempt, told)
    elif task.kind is Kind.REPORT:
        folder = layout.report(job.id)
        bucket.put(f"{folder}/measurements.csv", b"image,area\n")
        bucket.put(f"{folder}/manifest.json", json.dumps({"pipeline": job.pipeline}).encode())
    assert queue.finish(task, Outcome.DONE, objects=3 * (task.kind is Kind.ITEM), seconds=0.5)


def _results(backend: Backend, task: Task, stem: str) -> tuple[record.Output, ...]:
    place = layout.attempt(task.job, task.item, task.attempt)
    files = {
        "_labels.tif": {"0": content(stem)},
        ".geojson": {"1": b"{}"},
        ".ome.zarr": {"2/zarr.json": b"{}", "2/0/c/0": b"chunk"},
    }
    outputs = []
    for number, (end, parts) in enumerate(files.items()):
        for below, data in parts.items():
            backend.bucket.put(f"{place}/{below}", data)
        size = sum(map(len, parts.values()))
        where, folder = f"{place}/{number}", end.endswith(".zarr")
        outputs.append(record.Output(f"{stem}{end}", where, size, folder))
    return tuple(outputs)


def content(stem: str) -> bytes:
    """What `work` writes as the labels of the item with this stem."""
    return bytes(range(256)) * 1000 + stem.encode()
