"""What SLURM's commands are given and print, without any SLURM."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cytomill.errors import OptionError
from cytomill.scaling.slurm import parsing
from cytomill.scaling.slurm.commands import Commands
from cytomill.scaling.slurm.faults import AwayError, Fault, RefusedError, end, refusal, waiting
from cytomill.scaling.slurm.job import NAME, Container, Job, extra
from cytomill.scaling.slurm.logs import is_ready, last_words, prune
from cytomill.scaling.slurm.record import Record
from cytomill.scaling.slurm.troubles import MOST, Book, Pause
from cytomill.scaling.snapshot import State


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400),
        ("90:30", 5430),
        ("4:00:00", 14_400),
        ("1-0", 86_400),
        ("1-12:30", 131_400),
        ("2-00:00:01", 172_801),
    ],
)
def test_times_are_read_as_slurm_reads_them(text: str, seconds: float) -> None:
    assert parsing.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "4h", "-1", "1:2:3:4", "0", "0:59", "1-", "UNLIMITED", "1 0"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="4:00:00"):
        parsing.seconds(text)


def test_jobs_are_read_from_squeue() -> None:
    text = (
        "7_1|RUNNING|1795376636|1795376637|1795380237|n0|cytomill-0a:b|None\n"
        "7_2|PENDING|1795376636|N/A|N/A||cytomill-0a:b|ReqNodeNotAvail, UnavailableNodes:n[1|3]\n"
        "7_3|FAILED|1795376636|1795376636|1795376636|n1|(null)|NonZeroExitCode\n"
        "7_4|COMPLETING|1795376636|1795376636|NONE|n1||None\n"
        "slurm_load_jobs error: something else\n"
    )
    runs, waits, failed, ends = parsing.rows(text)
    assert (runs.id, runs.stage, runs.node, runs.ends) == ("7_1", State.STARTING, "n0", 1795380237)
    assert runs.comment == "cytomill-0a:b"
    assert (waits.stage, waits.begun) == (State.ASKED, None)
    assert waits.reason == "ReqNodeNotAvail, UnavailableNodes:n[1|3]"
    assert failed.stage is None
    assert (ends.stage, ends.ends) == (State.DRAINING, None)


def test_ends_are_read_from_sacct_without_the_steps() -> None:
    text = "7_1|CANCELLED by 0\n7_1.batch|CANCELLED\n7_2|NODE_FAIL\n7_3|\n"
    assert parsing.ends(text) == {"7_1": "CANCELLED", "7_2": "NODE_FAIL"}


@pytest.mark.parametrize(("text", "job"), [("12\n", "12"), ("12;cluster\n", "12"), ("no\n", "")])
def test_ids_are_read_from_sbatch(text: str, job: str) -> None:
    assert parsing.submitted(text) == job


@pytest.mark.parametrize(
    ("said", "kind", "word"),
    [
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition "
            "combination specified",
            RefusedError,
            "account",
        ),
        (
            "sbatch: error: QOSMaxSubmitJobPerUserLimit\n"
            "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy "
            "(job submit limit)",
            RefusedError,
            "limit",
        ),
        (
            "sbatch: error: Batch job submission failed: Requested time limit is invalid",
            RefusedError,
            "time",
        ),
        ("sbatch: error: Batch job submission failed: Disk quota exceeded", RefusedError, "full"),
        (
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
            "(connect failure)",
            AwayError,
            "controller",
        ),
        (
            "sbatch: error: If munged is up, restart with --num-threads=10\n"
            'sbatch: error: Munge encode failed: Failed to access "/run/munge/munge.socket.2"',
            AwayError,
            "munge",
        ),
        ("sbatch: error: something new", RefusedError, "something new"),
        ("", RefusedError, "nothing was said"),
    ],
)
def test_what_sbatch_says_is_told_in_words(said: str, kind: type, word: str) -> None:
    error = refusal(said)
    assert type(error) is kind
    assert word in error.fault.cause
    assert error.fault.advice


def test_reasons_and_ends_have_slurm_s_word_and_advice() -> None:
    for reason in ("QOSMaxJobsPerUserLimit", "AssocGrpCpuLimit", "InvalidAccount", "Unheard"):
        told = waiting(reason)
        assert reason in told.cause
        assert told.advice
        assert not told.soon
    assert waiting("Resources").soon
    assert end("COMPLETED") is None
    assert end("OUT_OF_MEMORY") is not None
    assert end("NEW_STATE") == Fault("ended as NEW_STATE", "see its log")


@pytest.mark.parametrize(
    "text",
    ["--mem=16G", "--constraint='a100&ib' --exclusive", "-pgpu", "--ntasks-per-node=1", ""],
)
def test_more_flags_may_be_given(text: str) -> None:
    extra(text)


@pytest.mark.parametrize(
    "text",
    [
        "--array=1-9",
        "--arr=1",
        "-a1",
        "--output=x",
        "--job-name=other",
        "-Jx",
        "--wrap=rm",
        "--mem 3",
        "script.sh",
        "--",
        "'",
        "--comment=x",
        "--export=NONE",
        "--time=3",
    ],
)
def test_flags_that_make_a_job_a_worker_may_not(text: str) -> None:
    with pytest.raises(OptionError, match="--extra"):
        extra(text)


def test_a_script_runs_its_worker_whatever_is_in_the_words(tmp_path: Path) -> None:
    secret = tmp_path / "it's a $HOME; file"
    secret.write_text("TOLD='a \"b\" $c'\n")
    out = tmp_path / "out"
    command = (
        "/bin/sh",
        "-c",
        f'printf "%s|%s|%s" "$0" "$1" "$TOLD" >"{out}"',
        NAME,
        "a b'$(id)\"",
    )
    script = Job(command, environment=secret).script(["one", "two"])
    done = subprocess.run(
        ["/bin/sh"], input=script, text=True, env={"SLURM_ARRAY_TASK_ID": "1"}, check=False
    )
    assert done.returncode == 0
    assert out.read_text() == 'two|a b\'$(id)"|a "b" $c'


def test_in_an_image_a_worker_sees_its_folders(tmp_path: Path) -> None:
    engine = tmp_path / "bin/singularity"
    engine.parent.mkdir()
    engine.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    engine.chmod(0o755)
    image = Container(tmp_path / "an image.sif", (tmp_path / "k",), gpu=True)
    script = Job(("cytomill", "consumer", "--name", NAME), container=image).script(["w"])

    def run(path: str) -> subprocess.CompletedProcess[str]:
        variables = {"SLURM_ARRAY_TASK_ID": "0", "PATH": path}
        return subprocess.run(
            ["/bin/sh"], input=script, text=True, env=variables, capture_output=True, check=False
        )

    words = run(f"{engine.parent}:/usr/bin:/bin").stdout.splitlines()
    folder = str(tmp_path / "k")
    assert words == [
        "exec",
        "--nv",
        "--bind",
        folder,
        str(image.image),
        "cytomill",
        "consumer",
        "--name",
        "w",
    ]
    without = run("/usr/bin:/bin")
    assert without.returncode == 127
    assert "neither apptainer nor singularity is on" in without.stderr


def test_jobs_see_neither_settings_nor_the_job_that_asks() -> None:
    variables = {
        "PATH": "/usr/bin:/bin",
        "CYTOMILL_REDIS": "redis://:secret@host",
        "SLURM_JOB_ID": "3",
        "SBATCH_WAIT": "1",
        "SLURM_CONF": "/etc/slurm.conf",
        "AWS_PROFILE": "lab",
    }
    kept = Commands("name", variables)._environment
    assert kept.keys() == {"PATH", "SLURM_CONF", "AWS_PROFILE"}


def test_a_record_knows_what_is_its_own(tmp_path: Path) -> None:
    record = Record.open(tmp_path / "jobs.json")
    record.add("consumers", 2, 5.0)
    batch = record.batch(list(record.workers.values()), 6.0)
    again = Record.open(tmp_path / "jobs.json")
    assert again.workers == record.workers
    assert again.batch_of(record.comment(batch)) == batch
    assert again.batch_of(f"cytomill-ffffffff:{batch}") == ""
    assert again.batch_of("(null)") == ""
    record.forget(batch, 10.0)
    assert {one.batch for one in record.workers.values()} == {""}
    assert record.may_come(20.0) == {batch}
    assert record.may_come(10_000.0) == set()


def test_pauses_grow_to_a_limit_and_end() -> None:
    pause = Pause(5.0)
    waits = [pause.failed(100.0) - 100.0 for _ in range(20)]
    assert waits[:4] == [5.0, 10.0, 20.0, 40.0]
    assert waits[-1] == MOST
    pause.done()
    assert pause.until == 0.0
    assert pause.failed(0.0) == 5.0


def test_a_trouble_keeps_its_beginning_and_is_told_once() -> None:
    book = Book()
    book.tell("one", {"p": Fault("cause", "advice")}, 10.0)
    book.tell("one", {"p": Fault("cause", "advice")}, 20.0, again=25.0)
    book.tell("two", {"p": Fault("cause", "advice")}, 5.0)
    book.tell("two", {"q": Fault("other", "advice")}, 15.0, since={"q": 1.0})
    assert [(one.pool, one.since, one.again) for one in book.all()] == [
        ("q", 1.0, None),
        ("p", 10.0, 25.0),
    ]
    book.clear("one")
    book.clear("never told")
    assert [one.pool for one in book.all()] == ["q"]


def test_last_words_are_the_worker_s_own(tmp_path: Path) -> None:
    log = tmp_path / "1_0.log"
    assert last_words(log) == ""
    log.write_text("consumer c ready\nno room\n\nslurmstepd-n0: error: *** JOB 1 CANCELLED ***\n")
    assert last_words(log) == "no room"
    assert is_ready(log)
    log.write_text("slurmstepd: error: execve failed\n")
    assert last_words(log) == "slurmstepd: error: execve failed"
    assert not is_ready(log)


def test_logs_of_the_living_and_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(105):
        path = tmp_path / f"{number}_0.log"
        path.touch()
        os.utime(path, (number, number))
    prune(tmp_path, {"0_0"})
    left = {path.stem for path in tmp_path.iterdir()}
    assert "0_0" in left
    assert "1_0" not in left
    assert "104_0" in left
    assert len(left) == 101


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AwayError, match="login node") as told:
        Commands("name", {"PATH": str(tmp_path)}).look()
    assert told.value.absent
