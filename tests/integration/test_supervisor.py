"""Programs are kept running, stopped in order, and never outlive who keeps them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from cytomill.kiosk.supervisor import Program, Supervisor

ROOT = Path(__file__).resolve().parents[2]

#: Seconds a program may take to start or to end on a busy machine.
PATIENCE = 60


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(said.append) as made:
        yield made


def program(folder: Path, text: str, **more: object) -> Program:
    """A Python program that is given the number of its start."""
    name = str(more.pop("name", "one"))
    command = lambda number: [sys.executable, "-c", text, str(number)]  # noqa: E731
    return Program(name, command, dict(os.environ), folder / f"{name}.log", **more)  # type: ignore[arg-type]


SLEEP = "import time; print('up', flush=True); time.sleep(1000)"


def test_what_is_killed_is_started_again_and_its_death_is_told(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    dead: list[int] = []
    supervisor.start(program(tmp_path, SLEEP, died=dead.append))
    until(lambda: (tmp_path / "one.log").exists() and (tmp_path / "one.log").read_text() == "up\n")
    first = supervisor.pid("one")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: (tmp_path / "one.log").read_text() == "up\nup\n")
    assert supervisor.pid("one") not in (first, None)
    assert dead == [0]
    assert len(said) == 1
    assert said[0].startswith("one was ended by SIGKILL; started again")


def test_what_keeps_dying_is_started_ever_more_slowly(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    text = "import time, sys; print(time.monotonic()); sys.exit('no such thing')"
    supervisor.start(program(tmp_path, text))
    until(lambda: supervisor.deaths("one") >= 4)
    supervisor.kill()
    lines = (tmp_path / "one.log").read_text().splitlines()
    times = [float(line) for line in lines if "such" not in line]
    waits = [after - before for before, after in pairwise(times)]
    assert waits[1] >= 0.2
    assert waits[2] >= 0.4
    assert supervisor.last_words("one") == "ended with exit code 1: no such thing"


def test_a_program_that_cannot_be_started_says_so(tmp_path: Path, supervisor: Supervisor) -> None:
    absent = Program("gone", lambda _: [str(tmp_path / "gone")], {}, tmp_path / "gone.log")
    supervisor.start(absent)
    until(lambda: supervisor.deaths("gone") >= 1)
    assert "cannot be started" in supervisor.last_words("gone")


def test_stopping_lets_a_program_finish_and_is_no_death(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    text = (
        "import signal, time, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('finished', flush=True), sys.exit()))\n"
        "print('up', flush=True)\n"
        "time.sleep(1000)\n"
    )
    supervisor.start(program(tmp_path, text))
    log = tmp_path / "one.log"
    until(lambda: log.exists() and log.read_text() == "up\n")
    supervisor.stop("one")
    assert log.read_text() == "up\nfinished\n"
    assert supervisor.pid("one") is None
    assert said == []


def test_what_does_not_stop_in_time_is_ended(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    text = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\ntime.sleep(1000)\n"
    )
    supervisor.start(program(tmp_path, text, patience=0.2))
    until(lambda: (tmp_path / "one.log").exists() and (tmp_path / "one.log").read_text())
    supervisor.stop("one")
    assert said == ["one did not stop in 0.2 s; ended"]


def test_what_a_dead_program_had_started_is_ended(tmp_path: Path, supervisor: Supervisor) -> None:
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(1000)\n"
    )
    supervisor.start(program(tmp_path, text))
    log = tmp_path / "one.log"
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    child = psutil.Process(int(log.read_text()))
    pid = supervisor.pid("one")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    text = (
        "import sys, time\nfrom pathlib import Path\n"
        "from cytomill.kiosk.supervisor import Program, Supervisor\n"
        "one = Supervisor(print)\n"
        "command = lambda _: [sys.executable, '-c', 'import time; time.sleep(1000)']\n"
        f"one.start(Program('one', command, {{}}, Path({str(tmp_path)!r}) / 'one.log'))\n"
        "while (pid := one.pid('one')) is None: time.sleep(0.01)\n"
        "print(pid, flush=True)\ntime.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, text=True
    ) as keeper:
        assert keeper.stdout is not None
        child = psutil.Process(int(keeper.stdout.readline()))
        until(lambda: "tied.py" not in " ".join(child.cmdline()))
        keeper.kill()
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
