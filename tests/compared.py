"""What a run and a kiosk make of the same image, as bytes to be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cytomill
from cytomill.jobs import layout
from cytomill.jobs.job import Job
from tests.consumers import Lab

#: The files of results with their content, and the notes.
Made = tuple[dict[str, bytes], list[str]]


def by_run(path: Path, out: Path, **options: Any) -> Made:
    """What a run makes of one file."""
    report = cytomill.run(path, out, threads=2, **options)
    assert report.failed == ()
    found = {
        one.relative_to(out).as_posix(): one.read_bytes()
        for one in sorted(out.rglob("*"))
        if one.is_file() and ".cytomill" not in one.parts and one.name != "manifest.json"
    }
    return found, list(report.records[0].notes)


def by_kiosk(lab: Lab, job: Job) -> Made:
    """What a kiosk made of a job of one file, of which nothing else is left."""
    bucket, found = lab.backend.bucket, {}
    (told,) = lab.records(job).values()
    assert told.status == "done", told.error
    for output in told.outputs:
        below = list(bucket.list(output.key)) if output.folder else [bucket.find(output.key)]
        assert output.bytes == sum(one.size for one in below if one is not None)
        for one in below:
            assert one is not None
            found[output.name + one.key.removeprefix(output.key)] = bucket.get(one.key)
    folder = layout.report(job.id)
    for one in bucket.list(folder):
        found[one.key.removeprefix(f"{folder}/")] = bucket.get(one.key)
    (entry,) = json.loads(found.pop("manifest.json"))["inputs"]
    assert entry.get("notes", []) == list(told.notes)
    assert lab.orphans(job) == []
    return found, list(told.notes)


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names of files that are not the same, or not there, in both."""
    return sorted(name for name in one | other if one.get(name) != other.get(name))
