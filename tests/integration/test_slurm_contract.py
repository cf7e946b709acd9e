"""The driver for SLURM is as every driver is, on a real cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from cytomill.scaling.slurm.driver import Pace, SlurmDriver
from cytomill.scaling.slurm.job import NAME, Job
from cytomill.scaling.snapshot import Pool, Role, Worker
from tests.driver_contract import WORKER, DriverTests
from tests.slurm_cluster import Cluster, cluster

POOL = Pool("consumers", Role.CONSUMER, most=3)

#: Faster than an operator would like.
PACE = Pace(soon=0.2, late=0.2, again=0.3)


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@dataclass
class SlurmRig:
    folder: Path
    slurm: Cluster
    drivers: list[SlurmDriver] = field(default_factory=list)
    pool: Pool = POOL

    def __post_init__(self) -> None:
        (self.folder / "ended").mkdir()
        self.driver = self._driver("mine")

    def _driver(self, name: str) -> SlurmDriver:
        command = (sys.executable, "-c", WORKER, str(self.folder / "ended"), NAME)
        jobs = {POOL.name: Job(command)}
        environment = {"PATH": "/usr/bin:/bin", **self.slurm.environment}
        made = SlurmDriver(self.folder / name, jobs, environment=environment, pace=PACE)
        self.drivers.append(made)
        return made

    def another(self) -> SlurmDriver:
        # What ends here is the thread alone: nothing is written or told.
        self.driver.close()
        return self._driver("mine")

    def stranger(self) -> SlurmDriver:
        return self._driver("strange")

    def begin(self, count: int) -> None:
        self.driver.start(POOL, count)

    def _processes(self) -> dict[str, psutil.Process]:
        found = {}
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or ()
            if len(words) == 5 and words[3] == str(self.folder / "ended"):
                found[words[4]] = process
        return found

    def alive(self) -> set[str]:
        running = self._processes()
        return {name for name in running if (self.folder / "ended" / f"{name}.up").exists()}

    def kill(self, worker: Worker) -> None:
        self._processes()[worker.id].kill()

    def finished(self, worker: Worker) -> bool:
        return (self.folder / "ended" / worker.id).exists()

    def refuse(self) -> None:
        self.slurm.refuse("account")

    def accept(self) -> None:
        self.slurm.accept()

    def away(self) -> None:
        self.slurm.stop_controller()

    def back(self) -> None:
        self.slurm.start_controller()


class TestSlurmDriver(DriverTests):
    @pytest.fixture
    def rig(self, tmp_path: Path, slurm: Cluster) -> Iterator[SlurmRig]:
        made = SlurmRig(tmp_path, slurm)
        yield made
        for driver in made.drivers:
            driver.close()
        slurm.cancel_all()
