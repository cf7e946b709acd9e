"""What a kiosk costs: ``cytomill submit`` until its results are there, beside ``cytomill run``.

Both have the same images, on the same machine, in turn. A kiosk runs all the while; the time is
that of the whole command: upload, job, results on the disk.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from . import samples
from .common import alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .kiosk_server import Kiosk
from .process import cytomill, run, segment

NAME = "kiosk"

#: Least share of the images a second of `cytomill run`.
SHARE = 0.8

#: The kiosks that are compared, by their options; the first is what `cytomill serve` does.
WAYS: dict[str, list[object]] = {
    "kiosk": [],
    "kiosk, --in-process": ["--in-process"],
    "kiosk, --consumers 2": ["--consumers", 2],
    "kiosk, --in-process --consumers 2": ["--in-process", "--consumers", 2],
}

#: What the time of a submission is spent on, in its order.
PHASES = ("start and upload", "wait", "work", "download")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--images", type=int, default=60, help="how many")
    made.add_argument("--size", type=samples.size, default="1280x1080", help="of an image")
    made.add_argument("--rounds", type=int, default=3, help="times that each contestant runs")
    made.add_argument("--ways", type=int, default=len(WAYS), help="kiosks that are compared")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the contestants in turn, after a round that loads models and fills caches."""
    images, _ = samples.folder(asked.scratch, asked.images, asked.size)
    home = asked.scratch / NAME
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with ExitStack() as stack:
        contestants: dict[str, Callable[[], dict[str, Any]]] = {
            "run": lambda: _run(images, home / "run", asked.threads)
        }
        for number, (name, options) in enumerate(list(WAYS.items())[: asked.ways]):
            kiosk = stack.enter_context(Kiosk(home / str(number), options, free=True))
            contestants[name] = lambda kiosk=kiosk: _submit(kiosk, images, home / "submitted")
        alternate(contestants, 1)
        took = alternate(contestants, asked.rounds)
    rates = {name: [asked.images / one["seconds"] for one in each] for name, each in took.items()}
    shares = {name: ratio(rates[name], rates["run"]) for name in rates if name != "run"}
    objects = {name: [one["objects"] for one in each] for name, each in took.items()}
    return {
        "images": asked.images,
        "pixels": list(asked.size),
        "rates": {name: spread(each) for name, each in rates.items()},
        "shares": shares,
        "objects": objects,
        "phases": {
            name: {phase: spread([one["phases"][phase] for one in each]) for phase in PHASES}
            for name, each in took.items()
            if name != "run"
        },
        "bars": [
            bar("share of the images/s of `cytomill run`", shares["kiosk"]["median"], least=SHARE)
        ],
    }


def _run(images: Path, out: Path, threads: int) -> dict[str, Any]:
    """All images with the command that needs no kiosk."""
    ran = segment(images, out, "--threads", threads)
    return {"seconds": ran.seconds, "objects": sum(entry["objects"] for entry in ran.entries)}


def _submit(kiosk: Kiosk, images: Path, out: Path) -> dict[str, Any]:
    """All images through a kiosk, as a user does it."""
    shutil.rmtree(out, ignore_errors=True)
    server = f"http://127.0.0.1:{kiosk.port}"
    begun = time.time()
    ran = run(cytomill("submit", images, "--server", server, "--wait", "-o", out, "--quiet"))
    ended = time.time()
    (job,) = kiosk.ask("GET", "/jobs", params={"limit": 1}).json()["jobs"]
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    times = (begun, job["created"], job["started"], job["finished"], ended)
    return {
        "seconds": ran.seconds,
        "objects": sum(entry["objects"] for entry in manifest["inputs"]),
        "phases": {
            phase: after - before
            for phase, before, after in zip(PHASES, times, times[1:], strict=False)
        },
    }


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    rates, shares = found["rates"], found["shares"]
    return [
        ["contestant", "images/s", "share of `cytomill run`"],
        *(
            [name, show(rates[name]), show(shares[name]) if name in shares else "1"]
            for name in rates
        ),
    ]


def phase_rows(found: dict[str, Any]) -> list[list[str]]:
    """Where the time of a submission goes."""
    return [
        [f"seconds of {found['images']} images", *PHASES],
        *(
            [name, *(show(each[phase]["median"]) for phase in PHASES)]
            for name, each in found["phases"].items()
        ),
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
