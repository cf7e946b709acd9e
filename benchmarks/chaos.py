"""A job while the parts of its kiosk are killed -9 at random: is it all there, once?

Parts are killed as the job goes on, so that a slow machine sees as many deaths as a fast one. What
happened is written down as it happens: with ``--resume`` a run that was stopped is carried on.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from cytomill.jobs.errors import QueueAwayError
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.kiosk import redis_server
from cytomill.ops.synthesise import Scene, nuclei

from . import chaos_audit
from .common import bar, conclude, show, spread
from .common import parser as common_parser
from .kiosk_server import PATIENCE, Kiosk, end

NAME = "chaos"

#: How often each is killed, in relation to the others.
WEIGHTS = {"consumer": 8, "model server": 4, "API": 4, "redis": 4, "supervisor": 1}

#: Different images; the others are these, shifted.
_SCENES = 20

#: Seconds that the deletion of a job may take.
_DELETION = 120.0


@dataclass
class State:
    """How far a run is; kept in a file."""

    upload: str = ""
    job: str = ""
    kills: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def write(self, path: Path) -> None:
        """Keep it."""
        partial = path.with_suffix(".new")
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(path)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--images", type=int, default=10_000, help="how many")
    made.add_argument("--size", type=int, default=64, help="edge of an image in pixels")
    made.add_argument("--kills", type=int, default=100, help="least number of deaths")
    made.add_argument("--seed", type=int, default=0, help="of what is killed, and when")
    made.add_argument("--consumers", type=int, default=2, help="of the kiosk")
    made.add_argument("--resume", action="store_true", help="carry on a run that was stopped")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Do the job, killing; then look at what is there."""
    home = asked.scratch / NAME
    if not asked.resume:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    path = home / "state.json"
    state = State(**json.loads(path.read_text())) if path.exists() else State()
    paths = small_images(home / "images", asked.images, asked.size)
    with Kiosk(home / "kiosk", ["--consumers", asked.consumers, "--threads", 1]) as kiosk:
        client = connect(redis_server.url(home / "kiosk" / "redis"))
        queue = Queue(client)
        run = _Run(asked, state, path, kiosk, queue)
        with ThreadPoolExecutor(1) as pool:
            run.begin(paths, pool)
        run.kill_until_done()
        bucket = home / "kiosk" / "bucket"
        faults = chaos_audit.job(bucket, queue, state.job)
        job = queue.job(state.job)
        assert job is not None
        kiosk.ask("DELETE", f"/jobs/{state.job}")
        kiosk.ask("DELETE", f"/uploads/{state.upload}")
        last = time.monotonic() + _DELETION
        while any((left := chaos_audit.nothing(bucket, client, state.job)).values()):
            if time.monotonic() > last:
                break
            time.sleep(0.5)
        client.close()
    faults |= left
    path.unlink()
    return {
        "images": asked.images,
        "seconds": state.seconds,
        "kills": state.kills,
        "items": job.items,
        "objects": job.objects,
        "faults": faults,
        "bars": [
            bar("deaths while the job ran", len(state.kills), least=asked.kills),
            bar("images done", job.done, least=asked.images),
            *(bar(what, count, most=0) for what, count in faults.items()),
        ],
    }


class _Run:
    """A job that is being done while parts die."""

    def __init__(
        self, asked: argparse.Namespace, state: State, path: Path, kiosk: Kiosk, queue: Queue
    ) -> None:
        self._asked, self._state, self._path = asked, state, path
        self._kiosk, self._queue = kiosk, queue
        self._random = random.Random(f"{asked.seed}-{len(state.kills)}")
        self._open: list[tuple[dict[str, Any], float, int]] = []
        self._done = 0

    def begin(self, paths: list[Path], pool: ThreadPoolExecutor) -> None:
        """Upload and submit, while the API and Redis die once each."""
        state = self._state
        if not state.upload:
            sent: Future[str] = pool.submit(self._kiosk.upload, paths)
            for victim in ("API", "redis"):
                time.sleep(0.5)
                if not sent.done():
                    self._kill(victim)
            state.upload = sent.result()
            state.write(self._path)
        if not state.job:
            state.job = self._kiosk.submit(state.upload)
            state.write(self._path)

    def kill_until_done(self) -> None:
        """Kill as the job goes on, until it has ended."""
        begun, before = time.monotonic(), self._state.seconds
        due = self._due()
        while True:
            self._state.seconds = before + time.monotonic() - begun
            self._done, ended = self._progress()
            self._note()
            if ended:
                return
            if self._done >= due:
                self._kill(self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
                self._state.write(self._path)
                due = self._due()
            else:
                time.sleep(0.005)

    def _due(self) -> float:
        """Images that must be done before the next death."""
        # A little more often than asked for, as the last images are soon done.
        step = self._asked.images / (1.1 * self._asked.kills)
        return (len(self._state.kills) + self._random.random() - 1) * step

    def _progress(self) -> tuple[int, bool]:
        """Items that have ended, and whether the job has."""
        last = time.monotonic() + PATIENCE
        while True:
            try:
                job = self._queue.job(self._state.job)
            except QueueAwayError:
                if time.monotonic() > last:
                    sys.exit("Redis did not come back")
                time.sleep(0.02)
                continue
            if job is None:
                sys.exit("the job was lost")
            if job.state in ("paused", "failed"):
                sys.exit(f"the job is {job.state}: {job.reason}")
            return job.done + job.failed, job.state == "done"

    def _note(self) -> None:
        """Write down, of each death, how long it was until the next image was done."""
        now = time.monotonic()
        for kill, begun, done in self._open:
            if self._done > done:
                kill["seconds"] = now - begun
        self._open = [one for one in self._open if "seconds" not in one[0]]

    def _kill(self, victim: str) -> None:
        """Kill a part; the supervisor is started again, which the others are by it."""
        kiosk = self._kiosk
        if victim != "supervisor":
            # One that died a moment ago may not be there yet.
            kiosk.until(lambda: kiosk.pids()[victim])
        kill = {"part": victim, "at": self._state.seconds}
        begun = time.monotonic()
        if victim == "supervisor":
            kiosk.kill()
            kiosk.start()
        elif not end(self._random.choice(kiosk.pids()[victim] or [0])):
            return
        self._state.kills.append(kill)
        self._open.append((kill, begun, self._done))


def small_images(folder: Path, count: int, size: int) -> list[Path]:
    """Small images, each different from the others."""
    paths = [folder / f"{number:06}.tif" for number in range(count)]
    if not folder.exists():
        folder.mkdir(parents=True)
        scene = Scene(shape=(size, size), diameter=size / 4, coverage=0.3)
        planes = [nuclei(scene, seed)[0] for seed in range(_SCENES)]
        for number, path in enumerate(paths):
            shifted = np.roll(planes[number % _SCENES], number // _SCENES, axis=(0, 1))
            tifffile.imwrite(path, shifted)
    return paths


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    kills = found["kills"]
    told = [["killed −9", "times", "seconds until the next image was done"]]
    for part in (*WEIGHTS, None):
        these = [one for one in kills if part in (one["part"], None)]
        # Those that die during the upload have no image to wait for.
        waits = [one["seconds"] for one in these if one["at"] and "seconds" in one]
        told.append([part or "together", str(len(these)), show(spread(waits)) if waits else "–"])
    return told


def fault_rows(found: dict[str, Any]) -> list[list[str]]:
    """What was looked for when the job had ended, and after it was deleted."""
    return [["fault", "found"], *([what, str(n)] for what, n in found["faults"].items())]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
