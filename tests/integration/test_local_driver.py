"""Workers as processes of this machine keep the contract of drivers."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from cytomill.kiosk.local_driver import LocalDriver
from cytomill.kiosk.supervisor import Program, Supervisor
from cytomill.scaling.driver import Driver
from cytomill.scaling.snapshot import Pool, Role, Worker
from tests.driver_contract import WORKER, DriverTests, came, until


class LocalRig:
    """Processes of this machine whose program can be taken away."""

    pool = Pool("workers", Role.CONSUMER, most=3)

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.said: list[str] = []
        self.ended: list[str] = []
        self._program = sys.executable
        self._prefixes = 0
        self.driver = self._driver()

    def _driver(self) -> LocalDriver:
        supervisor = self._stack.enter_context(Supervisor(self.said.append))
        self._prefixes += 1
        prefix = f"local{self._prefixes}-"
        return LocalDriver(supervisor, {"workers": self._make}, prefix, self.ended.append)

    def _make(self, place: int, name: str) -> Program:
        log = self.folder / f"workers-{place}.log"
        words = [self._program, "-c", WORKER, str(self.folder), name]
        return Program("", lambda _: words, dict(os.environ), log)

    def another(self) -> Driver:
        raise AssertionError("its workers end with it")

    def stranger(self) -> Driver:
        return self._driver()

    def begin(self, count: int) -> None:
        self.driver.start(self.pool, count)

    def processes(self) -> dict[str, psutil.Process]:
        found = {}
        for process in psutil.Process().children():
            words = process.cmdline() if process.is_running() else []
            if WORKER in words and "tied.py" not in " ".join(words):
                found[words[-1]] = process
        return found

    def alive(self) -> Collection[str]:
        return [name for name in self.processes() if (self.folder / f"{name}.up").exists()]

    def kill(self, worker: Worker) -> None:
        self.processes()[worker.id].kill()

    def finished(self, worker: Worker) -> bool:
        return (self.folder / worker.id).exists()

    def refuse(self) -> None:
        self._program = str(self.folder / "gone")

    def accept(self) -> None:
        self._program = sys.executable

    def away(self) -> None: ...

    def back(self) -> None: ...


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LocalRig]:
    with ExitStack() as stack:
        yield LocalRig(tmp_path, stack)


class TestLocalDriver(DriverTests):
    outlives = False
    apart = False

    def test_the_last_words_of_one_that_ends_at_once_are_told(self, rig: LocalRig) -> None:
        rig.refuse()
        rig.driver.start(rig.pool, 2)
        until(rig.driver.troubles)
        (trouble,) = rig.driver.troubles()
        assert "ended with exit code 1" in trouble.cause
        assert trouble.advice.endswith(
            f"{rig.folder}/gone: cannot be started (No such file or directory)"
        )
        assert trouble.again is not None

    def test_one_that_keeps_ending_is_started_ever_more_slowly(self, rig: LocalRig) -> None:
        rig.refuse()
        waits: list[float] = []

        def told_anew() -> bool:
            if not rig.driver.workers():
                rig.driver.start(rig.pool, 1)
            for trouble in rig.driver.troubles():
                assert trouble.again is not None
                wait = trouble.again - trouble.since
                if wait not in waits:
                    waits.append(wait)
            return len(waits) == 3

        until(told_anew)
        assert waits[1] > waits[0] + 0.5
        assert waits[2] > waits[1] + 1

    def test_logs_are_used_again_and_ends_are_told(self, rig: LocalRig) -> None:
        for _ in range(3):
            rig.driver.start(rig.pool, 1)
            rig.driver.stop(came(rig, 1))
            until(lambda: not rig.driver.workers())
        assert [one.name for one in rig.folder.glob("*.log")] == ["workers-0.log"]
        assert rig.ended == ["local1-0", "local1-1", "local1-2"]

    def test_closed_it_starts_no_more(self, rig: LocalRig) -> None:
        rig.driver.start(rig.pool, 1)
        (one,) = came(rig, 1)
        rig.driver.close()
        assert rig.finished(one)
        rig.driver.start(rig.pool, 1)
        assert list(rig.driver.workers()) == []
