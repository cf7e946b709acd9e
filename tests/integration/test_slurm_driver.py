"""What can go wrong with jobs of SLURM is told in words, and nothing of it is for ever."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cytomill.errors import OutputError
from cytomill.scaling.driver import Trouble
from cytomill.scaling.slurm import commands
from cytomill.scaling.slurm.driver import Pace, SlurmDriver
from cytomill.scaling.slurm.job import NAME, Job
from cytomill.scaling.snapshot import Pool, Role, State
from tests.slurm_cluster import Cluster, cluster

POOL = Pool("consumers", Role.CONSUMER, most=100)
PACE = Pace(soon=0.2, late=0.2, again=0.3)

#: Says its name, and ends when it is asked to.
SLEEP = ("/bin/sh", "-c", 'trap "exit 0" TERM; echo "$0 ready"; while :; do sleep 0.1; done', NAME)

#: Seconds after which a test has hung.
PATIENCE = 120.0

Drive = Callable[..., SlurmDriver]


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def drive(tmp_path: Path, slurm: Cluster) -> Iterator[Drive]:
    """Makes drivers of one installation each; a test ends without jobs."""
    made: list[SlurmDriver] = []

    def make(
        *options: str,
        command: Sequence[str] = SLEEP,
        folder: str = "kiosk",
        variables: dict[str, str] | None = None,
        margin: float = 30.0,
    ) -> SlurmDriver:
        job = Job(tuple(command), options, margin=margin)
        environment = {**slurm.variables, **(variables or {})}
        driver = SlurmDriver(
            tmp_path / folder, {POOL.name: job}, environment=environment, pace=PACE
        )
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.close()
    slurm.accept()
    slurm.cancel_all()


def until(true: Callable[[], object], told: Callable[[], object] = lambda: "") -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"it has not come: {told()}"
        time.sleep(0.05)


def trouble(driver: SlurmDriver, *words: str) -> Trouble:
    """The first trouble with these words in its cause, once it is there."""

    def found() -> list[Trouble]:
        return [one for one in driver.troubles() if all(word in one.cause for word in words)]

    until(found, driver.troubles)
    return found()[0]


def states(driver: SlurmDriver) -> list[State]:
    return [one.state for one in driver.workers()]


def run(driver: SlurmDriver, count: int) -> None:
    """Until so many workers run."""
    until(
        lambda: states(driver).count(State.STARTING) == count,
        lambda: (driver.workers(), driver.troubles()),
    )


# What is refused


@pytest.mark.parametrize(
    ("option", "cause", "advice"),
    [
        ("--partition=nope", "no such partition", "--partition"),
        ("--account=not-mine", "account", "--account"),
        ("--gres=gpu:h100:2", "--gres", "--gres"),
        ("--constraint=unheard", "feature", "sinfo"),
        ("--mem=9999G", "as large as", "sinfo"),
        ("--no-such-flag", "option", "sbatch --help"),
        ("--reservation=none", "--extra", ""),
    ],
)
def test_what_sbatch_refuses_is_told_with_what_helps(
    drive: Drive, slurm: Cluster, option: str, cause: str, advice: str
) -> None:
    driver = drive(option)
    driver.start(POOL, 2)
    told = trouble(driver, "SLURM refuses jobs", cause)
    assert told.pool == POOL.name
    assert advice in told.advice
    assert told.again is not None
    assert [one.state for one in driver.workers()] == [State.ASKED] * 2
    assert all(one.reason == told.cause for one in driver.workers())
    assert not slurm.jobs()
    driver.stop(driver.workers())
    assert not driver.workers()
    until(lambda: not driver.troubles(), driver.troubles)


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("--partition=down", "PartitionDown"),
        ("--time=99 --partition=short", "PartitionTimeLimit"),
        ("--begin=now+1hour", "BeginTime"),
    ],
)
def test_why_jobs_wait_is_told_with_slurm_s_word(drive: Drive, option: str, word: str) -> None:
    driver = drive(*option.split())
    driver.start(POOL, 1)
    until(lambda: word in driver.workers()[0].reason, driver.workers)
    assert driver.workers()[0].state is State.ASKED
    if word != "BeginTime":  # what passes by itself is not told at once
        told = trouble(driver, f"SLURM says {word}")
        assert told.again is None
        assert told.advice


def test_where_a_limit_lets_in_fewer_so_many_are_asked_for(drive: Drive, slurm: Cluster) -> None:
    slurm.refuse(3)
    driver = drive()
    driver.start(POOL, 10)
    # Ten, five and then two at a time: each of those is an array of its own.
    until(lambda: len(slurm.jobs()) == 10, driver.troubles)
    slurm.refuse(0)
    driver.start(POOL, 2)
    told = trouble(driver, "limit")
    assert "sacctmgr" in told.advice
    assert len(driver.workers()) == 12
    slurm.accept()
    until(lambda: len(slurm.jobs()) == 12, driver.troubles)
    until(lambda: not driver.troubles(), driver.troubles)


# SLURM itself


def test_without_its_commands_it_says_where_to_run(drive: Drive) -> None:
    driver = drive(variables={"PATH": "/nowhere"})
    driver.start(POOL, 1)
    told = trouble(driver, "sbatch is not on this machine")
    assert "login node" in told.advice
    assert told.again is not None
    driver.stop(driver.workers())
    until(lambda: not driver.troubles(), driver.troubles)


def test_munge_that_is_down_is_told_and_over_when_it_is_back(drive: Drive, slurm: Cluster) -> None:
    driver = drive()
    slurm.stop_munge()
    driver.start(POOL, 1)
    try:
        assert "munge" in trouble(driver, "munge").cause
        assert len(driver.workers()) == 1
    finally:
        slurm.start_munge()
    run(driver, 1)
    until(lambda: not driver.troubles(), driver.troubles)


def test_jobs_that_are_taken_without_an_answer_are_found_again(
    drive: Drive, slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_PATIENCE", 3.0)
    late = tmp_path / "bin/sbatch"
    late.parent.mkdir()
    late.write_text('#!/bin/sh\n/usr/bin/sbatch "$@" >/dev/null\nexec sleep 60\n')
    late.chmod(0o755)
    driver = drive(variables={"PATH": f"{late.parent}:/usr/bin:/bin"})
    driver.start(POOL, 3)
    run(driver, 3)
    assert len(slurm.jobs()) == 3
    driver.stop(driver.workers())
    until(lambda: not slurm.jobs() and not driver.workers(), driver.workers)


# Workers


def test_a_hundred_that_wait_are_known_from_one_look(
    drive: Drive, slurm: Cluster, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    for name in ("sbatch", "squeue", "scancel"):
        spy = tmp_path / "bin" / name
        spy.parent.mkdir(exist_ok=True)
        spy.write_text(f'#!/bin/sh\necho {name} >>{asked}\nexec /usr/bin/{name} "$@"\n')
        spy.chmod(0o755)
    driver = drive("--cpus-per-task=4", variables={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    driver.start(POOL, 104)
    until(lambda: len(slurm.jobs("PENDING")) == 100, lambda: slurm.run("squeue"))
    run(driver, 4)
    assert states(driver).count(State.ASKED) == 100
    waiting = [one for one in driver.workers() if one.state is State.ASKED]
    until(lambda: all(one.reason for one in driver.workers() if one in waiting))
    assert asked.read_text().split().count("sbatch") == 1
    driver.stop(waiting)
    until(lambda: len(driver.workers()) == 4)
    assert len(slurm.jobs()) == 4
    assert asked.read_text().split().count("scancel") == 1


def test_a_node_that_is_lost_is_told_and_another_takes_its_place(
    drive: Drive, slurm: Cluster
) -> None:
    driver = drive("--cpus-per-task=4")
    driver.start(POOL, 2)
    run(driver, 2)
    job = slurm.jobs()[0]
    node = slurm.node_of(job)
    try:
        slurm.kill_node(node)
        slurm.run("scontrol", "update", f"NodeName=n{node}", "State=DOWN", "Reason=lost")
        told = trouble(driver, f"job {job}", "lost its node")
        assert f"n{node}" in told.cause
        assert len(driver.workers()) == 1
        driver.start(POOL, 1)
        run(driver, 2)
        until(lambda: not driver.troubles(), driver.troubles)
    finally:
        slurm.start_node(node)
        slurm.cancel_all()
        slurm.wait_for_nodes()


def test_who_cancels_a_worker_is_told_of_and_it_is_gone(drive: Drive, slurm: Cluster) -> None:
    driver = drive()
    driver.start(POOL, 2)
    run(driver, 2)
    first, other = slurm.jobs()
    slurm.run("scancel", first)
    assert "cancelled" in trouble(driver, first).cause
    assert len(driver.workers()) == 1
    assert slurm.jobs() == [other]


def test_one_that_fails_is_told_with_its_last_words(drive: Drive, tmp_path: Path) -> None:
    words = "import sys; print('looks for its model', flush=True); sys.exit('there is no GPU here')"
    driver = drive(command=[sys.executable, "-c", words])
    driver.start(POOL, 1)
    told = trouble(driver, "ended with a failure", "there is no GPU here")
    (log,) = (tmp_path / "kiosk/logs").iterdir()
    assert str(log) in told.advice
    assert not driver.workers()


def test_a_folder_that_nodes_do_not_have_is_named(
    drive: Drive, slurm: Cluster, tmp_path: Path
) -> None:
    # As a node without it does: SLURM cannot write what the job says.
    driver = drive()
    (tmp_path / "kiosk/logs").rmdir()
    driver.start(POOL, 1)
    assert "all nodes share" in trouble(driver, "left no log").advice


def test_before_its_time_is_over_a_worker_is_asked_to_end(drive: Drive, slurm: Cluster) -> None:
    # The time limit is a minute, the least that there is; it is told half of it before.
    driver = drive("--partition=short", margin=50.0)
    driver.start(POOL, 1)
    run(driver, 1)
    until(lambda: driver.workers()[0].ends is not None)
    (worker,) = driver.workers()
    assert worker.ends is not None
    assert worker.ends < worker.since + 30
    until(lambda: not driver.workers(), driver.workers)
    name = f"--name={driver.installation}"
    states = slurm.run("squeue", "--noheader", "--states=all", "--format=%T", name).split()
    assert states == ["COMPLETED"]
    assert not driver.troubles()


def test_what_is_cancelled_at_once_is_gone_at_once(drive: Drive, slurm: Cluster) -> None:
    deaf = ("/bin/sh", "-c", 'trap "" TERM; while :; do sleep 1; done', NAME)
    driver = drive(command=deaf)
    driver.start(POOL, 1)
    run(driver, 1)
    driver.stop(driver.workers())
    until(lambda: states(driver) == [State.DRAINING])
    driver.cancel(driver.workers())
    until(lambda: not driver.workers(), driver.workers)
    assert not slurm.jobs()


# What is whose


def test_jobs_of_that_name_that_are_in_no_record_are_left_alone(
    drive: Drive, slurm: Cluster
) -> None:
    driver = drive()
    name = f"--job-name={driver.installation}"
    slurm.run("sbatch", name, "--output=/dev/null", "--wrap=sleep 300")
    driver.start(POOL, 1)
    run(driver, 1)
    driver.stop(driver.workers())
    until(lambda: not driver.workers(), driver.workers)
    assert len(slurm.jobs()) == 1


def test_only_its_user_may_read_what_is_kept_and_what_is_said(
    drive: Drive, slurm: Cluster, tmp_path: Path
) -> None:
    driver = drive()
    driver.start(POOL, 1)
    run(driver, 1)
    logs = tmp_path / "kiosk/logs"
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700


def test_a_record_that_is_damaged_is_not_taken_for_an_empty_one(
    drive: Drive, tmp_path: Path
) -> None:
    record = tmp_path / "kiosk/jobs.json"
    record.parent.mkdir()
    record.write_text('{"installation": "0123')
    with pytest.raises(OutputError, match="is damaged; end the jobs"):
        drive()
    record.write_text('{"installation": "../../etc", "workers": [], "unsure": {}}')
    with pytest.raises(OutputError, match="is damaged"):
        drive()


def test_without_a_record_on_the_disk_there_is_no_job(
    drive: Drive, slurm: Cluster, small_disk: Path
) -> None:
    driver = drive(folder=str(small_disk / "kiosk"))
    (small_disk / "full").write_bytes(bytes(os.statvfs(small_disk).f_bavail * 4096))
    driver.start(POOL, 1)
    assert "disk is full" in trouble(driver, "jobs.json").cause
    assert not slurm.jobs()
    (small_disk / "full").unlink()
    run(driver, 1)
    until(lambda: not driver.troubles(), driver.troubles)
    driver.close()
    slurm.cancel_all()
