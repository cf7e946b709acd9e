"""Parts that fail, are lost, or kill consumers: a run and a kiosk make the same of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import cytomill
from cytomill.jobs.job import State
from cytomill.pipelines import registry
from cytomill.pipelines.own import OwnPipelines
from tests import frail
from tests.compared import by_kiosk, by_run, differing
from tests.consumers import Consumers, Lab, lab

SMALL, LARGE = 6, 20


@pytest.fixture
def environment(tmp_path, monkeypatch) -> dict[str, str]:
    """That of programs which have the pipeline; this one has it too."""
    made = frail.pipeline(tmp_path)
    own = OwnPipelines(Path(made["CYTOMILL_PIPELINES"]))
    monkeypatch.setattr(registry, "_own", lambda: own)
    monkeypatch.setenv("FRAIL", made["FRAIL"])
    return made


def tended(lab: Lab, consumers: Consumers, job: Any) -> Any:
    """The job when it has ended, while consumers that die are replaced, as a supervisor does."""
    consumers.start("--threads", 2)
    end = time.monotonic() + 100
    while not lab.job(job).state.ended:
        assert time.monotonic() < end
        last = consumers.started[-1]
        if last.process.poll() is not None:
            assert last.process.returncode == 9
            lab.backend.queue.bury(last.name, ["frail"])
            consumers.start("--threads", 2)
        time.sleep(0.02)
    return lab.job(job)


@pytest.mark.parametrize(
    ("fault", "planes"), [("always", SMALL), ("always", LARGE), ("once", LARGE)]
)
def test_a_plane_that_fails_is_tried_again_and_then_lost(
    tmp_path, redis_url, environment, fault, planes
):
    path = frail.stack(tmp_path / "in/a.tif", planes)
    options = {"fault": fault, "size": 1024}
    expected, notes = by_run(path, tmp_path / "out", pipeline="frail", **options)
    assert frail.tries(environment) == 2
    assert len([name for name in expected if "_RES/" in name]) == planes - (fault == "always")
    if fault == "always":
        (note,) = notes
        assert note.startswith("Plane 5 is lost: a.tif: could not be processed (ValueError: no go")
    else:
        assert notes == []
    for seen in Path(environment["FRAIL"]).iterdir():
        seen.unlink()
    with lab(tmp_path, redis_url) as (made, consumers):
        consumers.environment = environment
        job = made.submit(made.upload(path.parent), pipeline="frail", options=options)
        consumers.start("--threads", 2)
        assert made.wait(job).state is State.DONE
        files, told = by_kiosk(made, job)
    assert (differing(files, expected), told) == ([], notes)
    assert frail.tries(environment) == 2


def test_an_image_that_cannot_do_without_a_plane_fails(tmp_path, environment):
    path = frail.stack(tmp_path / "in/a.tif")
    report = cytomill.run(path, tmp_path / "out", pipeline="frail", fault="always", bears=False)
    assert "(ValueError: no good)" in report.failed[0].error
    assert frail.tries(environment) == 2


@pytest.mark.parametrize(
    ("planes", "deaths"),
    [
        (SMALL, 4),  # one over the whole, then three over the plane
        (LARGE, 3),  # in tasks of three planes, of which two are kept
    ],
)
def test_a_plane_that_kills_consumers_is_lost(tmp_path, redis_url, environment, planes, deaths):
    path = frail.stack(tmp_path / "in/a.tif", planes)
    expected, _ = by_run(path, tmp_path / "out", pipeline="frail", fault="always")
    for seen in Path(environment["FRAIL"]).iterdir():
        seen.unlink()
    with lab(tmp_path, redis_url) as (made, consumers):
        consumers.environment = environment
        options = {"fault": "death", "size": 1024}
        job = made.submit(made.upload(path.parent), pipeline="frail", options=options)
        assert tended(made, consumers, job).state is State.DONE
        files, notes = by_kiosk(made, job)
    assert differing(files, expected) == []
    assert notes == [
        "Plane 5 is lost: a.tif: the program that worked on it died or hung, again and again; "
        "the file may be damaged, or need more memory than there is"
    ]
    assert frail.tries(environment) == deaths


@pytest.mark.parametrize("planes", [SMALL, LARGE])
def test_a_death_changes_nothing(tmp_path, redis_url, environment, planes):
    path = frail.stack(tmp_path / "in/a.tif", planes)
    expected, _ = by_run(path, tmp_path / "out", pipeline="frail")
    with lab(tmp_path, redis_url) as (made, consumers):
        consumers.environment = environment
        options = {"fault": "dies once", "size": 1024}
        job = made.submit(made.upload(path.parent), pipeline="frail", options=options)
        assert tended(made, consumers, job).state is State.DONE
        files, notes = by_kiosk(made, job)
    assert (differing(files, expected), notes) == ([], [])
    assert len(consumers.started) == 2
