"""Real consumers on nodes that start slowly and are lost: from none to some to none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import tifffile

from cytomill.jobs.job import State as JobState
from cytomill.scaling.autoscaler import Autoscaler
from cytomill.scaling.driver import Trouble
from cytomill.scaling.policies import policy
from cytomill.scaling.snapshot import Pool, Role, State, Worker
from tests.consumers import Consumers, Lab, lab, wait_for

#: Simulated seconds in one of this test: a node starts in 120 of them.
FASTER = 60.0
STARTUP = 120.0 / FASTER

#: Images, seconds that each takes, consumers at most, and nodes that are lost.
IMAGES, SECONDS, MOST, LOST = 100, 0.12, 3, 2

PIPELINE = f"""\
import time
import numpy as np
from cytomill.pipelines.planes import PlaneOptions, Planes

class Slow(Planes[PlaneOptions]):
    \"\"\"Sleeps.\"\"\"
    name = "slow"
    summary = "Sleeps."
    Options = PlaneOptions

    def label(self, pixels, models):
        time.sleep({SECONDS})
        return (pixels > 100).astype(np.int32)
"""


@dataclass
class Node:
    """A machine with a consumer: its process comes once it has started."""

    worker: Worker
    process: subprocess.Popen[bytes] | None = None
    gone: bool = False


@dataclass
class Nodes:
    """A driver whose nodes take a while to start and can be lost."""

    environment: dict[str, str]
    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    nodes: list[Node] = field(default_factory=list)
    most: int = 0

    def workers(self) -> Sequence[Worker]:
        with self.lock:
            self.nodes = [one for one in self.nodes if not self._ended(one)]
            return [one.worker for one in self.nodes]

    def _ended(self, node: Node) -> bool:
        return node.gone or (node.process is not None and node.process.poll() is not None)

    def start(self, pool: Pool, count: int) -> None:
        for _ in range(count):
            name = f"node-{len(list(self.folder.glob('node-*'))) + 1}"
            log = self.folder / f"{name}.log"
            log.touch()
            node = Node(Worker(name, pool.name, State.STARTING, time.time()))
            with self.lock:
                self.nodes.append(node)
                self.most = max(self.most, len(self.nodes))
            timer = threading.Timer(STARTUP, self._started, (node, log))
            timer.daemon = True
            timer.start()

    def _started(self, node: Node, log: Path) -> None:
        words = [sys.executable, "-m", "cytomill", "consumer", "--name", node.worker.id]
        with self.lock, log.open("w") as errors:
            if not node.gone:
                node.process = subprocess.Popen(
                    [*words, "--threads", "1", "--pipeline", "slow"],
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=self.environment,
                )

    def stop(self, workers: Sequence[Worker]) -> None:
        names = {one.id for one in workers}
        with self.lock:
            for node in self.nodes:
                if node.worker.id in names:
                    node.worker = replace(node.worker, state=State.DRAINING)
                    self._end(node, subprocess.Popen.terminate)

    def lose(self, name: str) -> None:
        """Take a node away, as spot nodes are, without a word."""
        with self.lock:
            for node in self.nodes:
                if node.worker.id == name:
                    self._end(node, subprocess.Popen.kill)

    def _end(self, node: Node, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if node.process is None:
            node.gone = True
        else:
            how(node.process)

    def troubles(self) -> Sequence[Trouble]:
        return ()

    def close(self) -> None:
        with self.lock:
            for node in self.nodes:
                self._end(node, subprocess.Popen.kill)
                if node.process is not None:
                    node.process.wait()


@pytest.fixture
def made(tmp_path: Path, redis_url: str) -> Iterator[tuple[Lab, Consumers]]:
    with lab(tmp_path, redis_url) as found:
        yield found


@pytest.fixture
def nodes(made: tuple[Lab, Consumers], tmp_path: Path) -> Iterator[Nodes]:
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "slow.py").write_text(PIPELINE)
    settings = made[0].backend.settings
    found = Nodes(
        {
            **os.environ,
            "CYTOMILL_REDIS": settings.redis,
            "CYTOMILL_BUCKET": settings.bucket,
            "CYTOMILL_PIPELINES": str(pipelines),
        },
        tmp_path,
    )
    yield found
    found.close()


def test_from_none_to_some_to_none_with_nodes_lost_on_the_way(
    made: tuple[Lab, Consumers], nodes: Nodes, tmp_path: Path
) -> None:
    here = made[0]
    pixels = np.zeros((16, 16), np.uint8)
    pixels[4:8, 4:8] = 200
    for number in range(IMAGES):
        path = tmp_path / "images" / f"{number:03}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, pixels)
    pool = Pool("consumers", Role.CONSUMER, most=MOST, startup=STARTUP)
    said: list[str] = []
    throughput = policy("throughput")
    autoscaler = Autoscaler(here.backend.redis, [pool], throughput, nodes, said.append)
    stop = threading.Event()
    runs = threading.Thread(target=autoscaler.run, args=(stop,))
    runs.start()
    try:
        assert not nodes.workers()  # nothing waits, and nothing runs
        job = here.submit(here.upload(tmp_path / "images"), pipeline="slow")
        chance = Random(0)
        for part in range(1, LOST + 1):
            wait_for(lambda part=part: here.job(job).done >= part * IMAGES // (LOST + 2))
            nodes.lose(chance.choice(here.backend.queue.consumers(5.0)))
        ended = here.wait(job)
        assert (ended.state, ended.done, ended.failed) == (JobState.DONE, IMAGES, 0)
        wait_for(lambda: not nodes.workers())
    finally:
        stop.set()
        runs.join()
    assert nodes.most >= 2
    assert not here.orphans(job)
    records = here.records(job)
    assert len(records) == IMAGES
    assert {one.status for one in records.values()} == {"done"}
    logs = sorted(tmp_path.glob("node-*.log"))
    assert len(logs) > 2
    for log in logs:
        with suppress(FileNotFoundError):
            assert "Traceback" not in log.read_text()
