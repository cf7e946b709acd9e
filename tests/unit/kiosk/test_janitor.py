from __future__ import annotations

from pathlib import Path

import pytest

from cytomill.jobs import layout
from cytomill.jobs.items import Item, write_page
from cytomill.jobs.job import State
from cytomill.jobs.task import Outcome
from cytomill.kiosk.janitor import Janitor
from tests.consumers import Lab, image, wait_for


@pytest.fixture
def lab(tmp_path: Path, redis_url: str) -> Lab:
    return Lab.of(redis_url, tmp_path / "bucket")


def keys(lab: Lab) -> list[str]:
    return [found.key for found in lab.backend.bucket.list()]


def begun(lab: Lab):
    """A job of two items, of which one is done."""
    queue = lab.backend.queue
    job = lab.submit("some")
    (listing,) = queue.take("c", ["nuclei"], 1, idle=True).tasks
    write_page(lab.backend.bucket, job.id, 0, [Item("a.tif", "k", "a"), Item("b.tif", "l", "b")])
    queue.extend(job, 0, 2, last=True)
    queue.finish(listing, Outcome.DONE)
    first, second = queue.take("c", ["nuclei"], 2, idle=True).tasks
    for task in (first, second):
        key = f"{layout.attempt(job.id, task.item, task.attempt)}/record.arrow"
        lab.backend.bucket.put(key, b"1")
    lab.backend.bucket.put(layout.part(job.id, 1, 1, 0), b"1")
    assert queue.finish(first, Outcome.DONE)
    return job


def test_a_deleted_job_goes_at_once_and_is_forgotten_when_nobody_can_write(lab, monkeypatch):
    job = begun(lab)
    janitor = Janitor(lab.backend, lab.uploads)
    assert janitor.sweep() == 0
    assert lab.backend.queue.delete(job)
    assert janitor.sweep() == 0
    assert keys(lab) == []
    late = f"{layout.attempt(job.id, 1, 1)}/record.arrow"
    lab.backend.bucket.put(late, b"of one that had not heard")
    monkeypatch.setattr("cytomill.kiosk.janitor._GRACE", 0.0)
    assert janitor.sweep() == 1
    assert keys(lab) == []
    assert lab.backend.queue.job(job.id) is None
    assert janitor.sweep() == 0


def test_a_deleted_upload_goes(lab, tmp_path):
    image(tmp_path / "in" / "a.tif")
    name = lab.upload(tmp_path / "in")
    assert lab.uploads.delete(name)
    Janitor(lab.backend, lab.uploads).sweep()
    assert keys(lab) == []


def test_of_a_cancelled_job_what_was_finished_stays(lab):
    job = begun(lab)
    janitor = Janitor(lab.backend, lab.uploads)
    janitor.sweep()
    assert len(keys(lab)) == 4
    assert lab.backend.queue.cancel(job)
    wait_for(lambda: lab.job(job).state is State.CANCELLED)
    janitor.sweep()
    assert keys(lab) == [
        layout.items(job.id, 0),
        f"{layout.attempt(job.id, 0, 1)}/record.arrow",
    ]


def test_one_janitor_is_enough(lab):
    job = begun(lab)
    assert lab.backend.queue.delete(job)
    with lab.backend.redis.lock("{cytomill}:janitor", timeout=60):
        assert Janitor(lab.backend, lab.uploads).sweep() == 0
        assert keys(lab) != []
    Janitor(lab.backend, lab.uploads).sweep()
    assert keys(lab) == []
