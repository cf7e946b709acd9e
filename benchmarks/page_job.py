"""A job of as many images as one likes: listed and ended like any other, all of them one file."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tifffile

from cytomill.jobs import layout
from cytomill.jobs.items import Item, write_page
from cytomill.jobs.job import Job
from cytomill.jobs.task import Kind, Outcome, Task
from cytomill.kiosk import record
from cytomill.kiosk.backend import Backend

#: Of so many images one fails.
_FAILS = 50

#: Images that end at once, as far as the page can tell.
_TOGETHER = 20


class LargeJob:
    """A job of ``images`` images of ``owner``, which ends them when it is told to."""

    def __init__(self, backend: Backend, images: int, owner: str) -> None:
        self._backend = backend
        self.id = secrets.token_hex(12)
        key = f"{layout.upload_files('0' * 24)}/image.tif"
        backend.bucket.put(key, _image())
        queue = backend.queue
        self._job = queue.submit(Job(self.id, owner, "nuclei", name=f"{images:,} images"))
        (task,) = queue.take("lister", queue.queues(), 1, idle=True).tasks
        for page, first in enumerate(range(0, images, layout.PAGE)):
            last = min(first + layout.PAGE, images)
            names = [f"plate {i // 384:03d}/well {i % 384:03d}.tif" for i in range(first, last)]
            items = [Item(name, key, name.removesuffix(".tif")) for name in names]
            write_page(backend.bucket, self.id, page, items)
            queue.extend(self._job, first, len(items), last=last == images)
        queue.finish(task, Outcome.DONE)

    def end(self, images: int) -> None:
        """End so many more images."""
        queue = self._backend.queue
        while images > 0:
            tasks = queue.take("worker", queue.queues(), min(images, _TOGETHER), idle=True).tasks
            if not tasks:
                return
            images -= len(tasks)
            queue.finish_all([self._ended(task) for task in tasks])

    def _ended(self, task: Task) -> tuple[Task, Outcome, int, float, str]:
        if task.kind is not Kind.ITEM:
            return task, Outcome.DONE, 0, 0.0, ""
        if task.item % _FAILS == _FAILS - 1:
            return task, Outcome.FAILED, 0, 0.1, "not a TIFF file, or damaged: no image in it"
        told = record.ItemRecord("", "done", objects=100, images=1, seconds={"predict": 0.1})
        record.write(self._backend.bucket, self.id, task.item, task.attempt, told)
        return task, Outcome.DONE, 100, 0.1, ""

    @contextmanager
    def going_on(self, pace: float) -> Iterator[None]:
        """End ``pace`` images a second meanwhile."""
        stopping = threading.Event()

        def work() -> None:
            while not stopping.wait(_TOGETHER / pace):
                self.end(_TOGETHER)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()


def _image() -> bytes:
    """A TIFF file of 64x64 pixels of 16 bits."""
    y, x = np.mgrid[:64, :64]
    file = io.BytesIO()
    tifffile.imwrite(file, (1000 * (1 + np.sin(y / 5) * np.cos(x / 7))).astype(np.uint16))
    return file.getvalue()
