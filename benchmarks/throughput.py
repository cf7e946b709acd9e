"""How many images a second: the whole command, the bare model, and a script of today.

The paper's image is 1280 x 1080 pixels of 16 bits; one V100 did 6.3 of them a second.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytomill.inference.load import models
from cytomill.inference.runtime import Runtime

from . import samples
from .common import alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .network import prepared
from .process import run, segment

NAME = "throughput"

#: Images a second: of one V100 in the Kiosk's paper, and twice that.
PAPER, AIM = 6.3, 12.6

#: Least share of the bare model's throughput.
SHARE = 0.8

#: The stages of a run in the order of the work, as the manifest names them.
STAGES = (
    "hash",
    "open",
    "split",
    "read",
    "predict",
    "label",
    "measure",
    "merge",
    "write",
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--images", type=int, default=100, help="how many")
    made.add_argument("--size", type=samples.size, default="1280x1080", help="of an image")
    made.add_argument("--rounds", type=int, default=3, help="times that each contestant runs")
    made.add_argument("--script-images", type=int, default=4, help="for the slow script")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the contestants in turn."""
    images, _ = samples.folder(asked.scratch, asked.images, asked.size)
    out = asked.scratch / "throughput"
    runtime = models("auto", asked.threads)["nuclei"]
    ready = [prepared(image, runtime.name) for image, _ in samples.pairs(images, images)]
    first = _command(images, out, asked.threads)
    _bare(runtime, ready[: 2 * asked.threads], asked.threads)
    few = min(asked.script_images, asked.images)

    def script(algorithm: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "benchmarks.script", images, asked.scratch / algorithm]
        command += ["--limit", few, "--threads", asked.threads, "--algorithm", algorithm]
        return {"rate": few / float(run([str(word) for word in command]).output)}

    took = alternate(
        {
            "command": lambda: _command(images, out, asked.threads),
            "bare": lambda: {"rate": _bare(runtime, ready, asked.threads)},
            "script h_maxima": lambda: script("h_maxima"),
            "script peak_local_max": lambda: script("peak_local_max"),
        },
        asked.rounds,
    )
    rates = {name: [one["rate"] for one in each] for name, each in took.items()}
    rates["inside"] = [one["inside"] for one in took["command"]]
    stages = {
        stage: spread([one["stages"][stage] for one in took["command"]])
        for stage in took["command"][0]["stages"]
    }
    shares = {name: ratio(rates["command"], rates[name]) for name in rates if name != "command"}
    shares["inside to bare"] = ratio(rates["inside"], rates["bare"])
    rate = spread(rates["command"])["median"]
    return {
        "device": runtime.device,
        "images": asked.images,
        "pixels": list(asked.size),
        "objects": took["command"][0]["objects"],
        "rates": {name: spread(each) for name, each in rates.items()},
        "ratios": shares,
        "stages": stages,
        "start": spread([one["start"] for one in took["command"]]),
        "first": first["seconds"],
        "peak_gb": max(one["peak"] for one in took["command"]) / 1e9,
        "bars": [
            bar("images/s of the whole command", rate, least=PAPER),
            bar("images/s of the whole command, aim", rate, least=AIM),
            bar("share of the bare model's images/s", shares["bare"]["median"], least=SHARE),
        ],
    }


def _command(images: Path, out: Path, threads: int) -> dict[str, Any]:
    """Run the command over all images into an empty folder."""
    ran = segment(images, out, "--threads", threads)
    names = [*STAGES, *ran.entries[0]["seconds"]]
    count, inside = len(ran.entries), ran.manifest["seconds"]
    return {
        "rate": count / ran.seconds,
        "inside": count / inside,
        "seconds": ran.seconds,
        "start": ran.seconds - inside,
        "stages": {
            name: sum(entry["seconds"].get(name, 0.0) for entry in ran.entries) / count
            for name in dict.fromkeys(names)
        },
        "objects": sum(entry["objects"] for entry in ran.entries),
        "peak": ran.peak,
    }


def _bare(runtime: Runtime, ready: list[NDArray[np.float32]], threads: int) -> float:
    """Images a second of the model and nothing else."""
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        for _ in pool.map(runtime.predict, ready):
            pass
        return len(ready) / (time.perf_counter() - begun)


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    rates, ratios = found["rates"], found["ratios"]
    told = [
        ("`cytomill run`, the whole process", "command", None),
        ("the same, from its own clock", "inside", "inside"),
        (f"bare model, {found['device']}", "bare", "bare"),
        ("script of today, h_maxima", "script h_maxima", "script h_maxima"),
        ("script of today, peak_local_max", "script peak_local_max", "script peak_local_max"),
    ]
    return [
        ["contestant", "images/s", "`cytomill run` is so many times as fast"],
        *([what, show(rates[name]), show(ratios[key]) if key else "1"] for what, name, key in told),
    ]


def stage_rows(found: dict[str, Any]) -> list[list[str]]:
    """Where the time of an image goes, in milliseconds of one thread."""
    stages = found["stages"]
    told = [[name, show(each["median"] * 1000, 1)] for name, each in stages.items()]
    total = sum(each["median"] for each in stages.values())
    return [["stage", "ms per image and thread"], *told, ["together", show(total * 1000, 1)]]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
