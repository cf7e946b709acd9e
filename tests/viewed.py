"""Items for tests of what viewers read: images with labels and tables, in a running kiosk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import zarr
import zarr.storage
from numpy.typing import NDArray

from cytomill.image import ngff_write, tiff_write
from cytomill.image.formats import open_images
from cytomill.jobs import layout
from cytomill.jobs.items import Item, write_page
from cytomill.jobs.task import Kind, Outcome
from cytomill.kiosk import record

from .kiosk import PATIENCE, Kiosk


@dataclass(frozen=True)
class Made:
    """A job whose one item is there to be looked at."""

    job: str
    upload: str

    def path(self, below: str) -> str:
        return f"/jobs/{self.job}/items/0/{below}"


class _Served(zarr.storage.MemoryStore):
    """A Zarr store that is behind an address; it waits for what is being made."""

    def __init__(self, client: httpx.Client, root: str) -> None:
        super().__init__(read_only=True)
        self._client, self._root = client, root
        # The library's own threads are also those of a server in this process.
        self._threads = ThreadPoolExecutor(4)

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        where = self._client, f"{self._root}/{key}"
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(self._threads, fetch, *where)
        if data is None:
            return None
        return (prototype or zarr.core.buffer.default_buffer_prototype()).buffer.from_bytes(data)


def fetch(client: httpx.Client, path: str) -> bytes | None:
    """The file at ``path``, waited for while it is being made; None where there is none."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = client.get(path)
        if answer.status_code == 404:
            return None
        if answer.status_code != 503 or time.monotonic() > deadline:
            assert answer.status_code == 200, answer.text
            assert len(answer.content) <= 2**20
            return answer.content
        time.sleep(0.05)


def arrays(client: httpx.Client, root: str) -> list[NDArray[Any]]:
    """All levels of the OME-Zarr at ``root``, as Python's library reads them."""
    group = zarr.open_group(_Served(client, root), mode="r", zarr_format=2)
    (multiscale,) = group.attrs["multiscales"]
    assert [axis["name"] for axis in multiscale["axes"]] == ["t", "c", "z", "y", "x"]
    levels = [group[one["path"]] for one in multiscale["datasets"]]
    assert all(level.chunks == (1, 1, 1, 512, 512) for level in levels)
    return [np.asarray(level[:]) for level in levels]


def make(
    api: Kiosk,
    client: httpx.Client,
    source: Path,
    *,
    labels: Sequence[NDArray[Any]] = (),
    form: str = "tiff",
    tables: dict[str, Any] | None = None,
    pipeline: str = "nuclei",
    options: dict[str, Any] | None = None,
    done: bool = True,
    objects: int = 0,
    item: dict[str, Any] | None = None,
    move: bool = False,
) -> Made:
    """Upload ``source`` and make up what came of it: ``labels`` (t, z, y, x) of each image.

    With ``move`` the file is put where an upload would have put it, and not sent.
    """
    upload = client.post("/uploads", json={"name": ""}).json()["id"]
    if move:
        key = f"{layout.upload_files(upload)}/{source.name}"
        api.backend.bucket.put_file(key, source, move=True)
    for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
        if file.is_file():
            below = file.relative_to(source.parent).as_posix()
            answer = client.put(f"/uploads/{upload}/files/{below}", content=file.read_bytes())
            answer.raise_for_status()
    inputs = [{"upload": upload}]
    body = {"pipeline": pipeline, "inputs": inputs, "options": options or {}}
    answer = client.post("/jobs", json=body)
    assert answer.status_code == 201, answer.text
    job = api.backend.queue.job(answer.json()["id"])
    assert job is not None
    fields = {"name": source.name, "stem": "a", **(item or {})}
    one = Item(key=f"{layout.upload_files(upload)}/{source.name}", **fields)
    queue, bucket = api.backend.queue, api.backend.bucket
    while tasks := queue.take("test", [pipeline], 1, idle=True).tasks:
        (task,) = tasks
        if task.kind is Kind.LIST:
            write_page(bucket, job.id, 0, [one])
            queue.extend(job, 0, 1, last=True)
        if task.kind is Kind.ITEM:
            if not done:
                queue.finish(task, Outcome.FAILED, reason="it was not meant to be")
                continue
            where = layout.attempt(job.id, 0, task.attempt)
            outputs = _written(api, where, source, labels, form)
            told = record.ItemRecord(
                one.name, "done", objects=objects, images=max(1, len(labels)), outputs=outputs
            )
            record.write(bucket, job.id, 0, task.attempt, told, tables or {})
        queue.finish(task, Outcome.DONE)
    return Made(job.id, upload)


def _written(
    api: Kiosk, where: str, source: Path, labels: Iterable[NDArray[Any]], form: str
) -> tuple[record.Output, ...]:
    labels = list(labels)
    outputs = []
    made = source.with_name("made")
    for number, one in enumerate(labels):
        stem = "a" if len(labels) == 1 else f"a_s{number}"
        with open_images(source) as file:
            image = file.images[min(number, len(file.images) - 1)]
            if form == "tiff":
                tiff_write.write_labels(made, one, image)
            else:
                ngff_write.write_labelled(made, one, image, name="nuclei")
        end = "_labels.tif" if form == "tiff" else ".ome.zarr"
        api.backend.bucket.put_file(f"{where}/{number}{end}", made, move=True)
        outputs.append(record.Output(f"{stem}{end}", f"{where}/{number}{end}", 1, form != "tiff"))
    return tuple(outputs)
