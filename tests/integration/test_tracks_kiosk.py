"""A kiosk follows cells as a run does, whatever becomes of its consumers and of single frames."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import cytomill
from cytomill.jobs import layout
from cytomill.jobs.job import State
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from tests.consumers import Lab, lab, wait_for

FRAMES = 12

#: All that need nothing else installed.
FILES = "ctc,lineage,trk,trackmate,geff,napari"


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of frames; their labels are in ``masks/01`` beside its parent."""
    folder, masks = tmp_path / "in/01", tmp_path / "masks/01"
    folder.mkdir(parents=True)
    masks.mkdir(parents=True)
    scene = Scene((300, 320), diameter=24, coverage=0.2, clustering=0)
    for t, (image, labels) in enumerate(Movie(Film(scene, frames=FRAMES, cycle=25), 4)):
        tifffile.imwrite(folder / f"t{t:02}.tif", image)
        tifffile.imwrite(masks / f"t{t:02}.tif", labels)
    return folder


def by_run(folder: Path, out: Path, pipeline: str = "track") -> tuple[dict[str, bytes], list[str]]:
    """The files of a run, and its notes."""
    report = cytomill.run(folder, out, pipeline=pipeline, threads=2, files=FILES)
    assert report.failed == ()
    found = {
        one.relative_to(out).as_posix(): one.read_bytes()
        for one in sorted(out.rglob("*"))
        if one.is_file() and ".cytomill" not in one.parts and one.name != "manifest.json"
    }
    (record,) = report.records
    return found, list(record.notes)


def by_kiosk(made: Lab, job: Any) -> tuple[dict[str, bytes], list[str]]:
    """Those of a job."""
    bucket, found = made.backend.bucket, {}
    (told,) = made.records(job).values()
    assert told.status == "done", told.error
    for output in told.outputs:
        below = list(bucket.list(output.key)) if output.folder else [bucket.find(output.key)]
        for one in below:
            found[output.name + one.key.removeprefix(output.key)] = bucket.get(one.key)
    for table in ("measurements", "tracks"):
        for end in ("csv", "parquet"):
            found[f"{table}.{end}"] = made.report(job, f"{table}.{end}")
    (entry,) = json.loads(made.report(job, "manifest.json"))["inputs"]
    assert entry.get("notes", []) == list(told.notes)
    assert made.orphans(job) == []
    return found, list(told.notes)


def assert_same(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert sorted(found) == sorted(expected)
    assert len([name for name in expected if "_RES/mask" in name]) == FRAMES
    assert [name for name in expected if found[name] != expected[name]] == []


def submitted(made: Lab, folder: Path, pipeline: str = "track") -> Any:
    upload = made.upload(folder.parent)
    return made.submit(upload, pipeline=pipeline, options={"files": FILES})


def test_a_job_gives_what_a_run_gives_of_a_damaged_movie_too(tmp_path, redis_url, frames):
    damaged = shutil.copytree(frames, tmp_path / "damaged/01")
    (damaged / "t03.tif").write_bytes((damaged / "t03.tif").read_bytes()[:200])
    whole, none = by_run(frames, tmp_path / "out")
    around, (note,) = by_run(damaged, tmp_path / "around")
    masks = tmp_path / "masks/01"
    linked, _ = by_run(masks, tmp_path / "linked", "link")
    assert none == []
    assert note.startswith("frame 3 (from 0) could not be analysed (")
    with lab(tmp_path, redis_url) as (made, consumers):
        jobs = [submitted(made, folder) for folder in (frames, damaged)]
        jobs.append(submitted(made, masks, "link"))
        consumers.start("--threads", 2)
        assert [made.wait(job).state for job in jobs] == [State.DONE] * 3
        (found, notes), (other, (told,)), (third, _) = (by_kiosk(made, job) for job in jobs)
    assert_same(found, whole)
    assert_same(other, around)
    assert_same(third, linked)
    assert notes == []
    # Of what is wrong with the file both say the same; of where it lies each what it knows.
    assert told.split("t03.tif")[1] == note.split("t03.tif")[1]
    labels = tifffile.imread(tmp_path / "around/01_labels.tif")
    assert np.unique(labels[3]).size > 3


def test_a_consumer_that_is_killed_in_the_middle_changes_nothing(tmp_path, redis_url, frames):
    expected, _ = by_run(frames, tmp_path / "out")
    with lab(tmp_path, redis_url) as (made, consumers):
        # Tasks have as many pixels as some tiles: of small tiles so few that there are several.
        consumers.environment = {"CYTOMILL_TILE": "256"}
        job = submitted(made, frames)
        first = consumers.start("--threads", 1)
        kept = layout.parts(job.id, 0)
        wait_for(lambda: len(list(made.backend.bucket.list(kept))) >= 3)
        first.kill()
        assert not made.job(job).state.ended
        made.backend.queue.bury(first.name, ["track"])
        consumers.start("--threads", 2)
        assert made.wait(job).state is State.DONE
        found, notes = by_kiosk(made, job)
    assert_same(found, expected)
    assert notes == []
