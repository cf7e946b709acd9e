"""Linking thousands of cells: time, memory, and how both grow.

Detections are drawn, see `benchmarks.crowd`; drawing them is not timed. Each size has a process of
its own that may use one thread. The whole command, ``cytomill track``, is given label images.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from cytomill.tracks.linking.detections import Detections
from cytomill.tracks.linking.link import Linker
from cytomill.tracks.linking.network import shipped

from .common import bar, conclude, show, spread
from .common import parser as common_parser
from .crowd import Crowd, crowd
from .process import Ran, cytomill, run

NAME = "linking_scale"

#: What is to be held: seconds of one core and bytes for the long movie.
SECONDS, MEMORY = 60.0, 2e9

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--cells", type=int, default=10_000, help="a frame, of the long movie")
    made.add_argument("--frames", type=int, default=100, help="of the long movie")
    made.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[1000, 3000, 10_000, 30_000, 100_000],
        help="cells a frame, of the short movies",
    )
    made.add_argument("--short", type=int, default=6, help="frames of the short movies")
    made.add_argument("--rounds", type=int, default=3, help="times that each runs")
    made.add_argument("--track-cells", type=int, default=1000, help="given to the whole command")
    made.add_argument("--track-frames", type=int, default=50, help="given to the whole command")
    made.add_argument(
        "--only", type=int, nargs=2, metavar=("CELLS", "FRAMES"), help=argparse.SUPPRESS
    )
    return made


def link(cells: int, frames: int) -> dict[str, Any]:
    """Seconds of the clock and of the processor for each frame, and what was found."""
    shipped()
    linker = Linker()
    wall, cpu, count = [], [], 0
    for found in crowd(Crowd(cells, frames)):
        count += len(found)
        begun, used = time.perf_counter(), time.process_time()
        linker.add(found)
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    begun, used = time.perf_counter(), time.process_time()
    tracks = len(linker.finish().tracks)
    wall[-1] += time.perf_counter() - begun
    cpu[-1] += time.process_time() - used
    return {"wall": wall, "cpu": cpu, "detections": count, "tracks": tracks}


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """The long movie, then the short ones in turn, then the whole command."""
    long = [_alone(asked.cells, asked.frames) for _ in range(asked.rounds)]
    seconds = {clock: spread([sum(one[clock]) for one, _ in long]) for clock in ("cpu", "wall")}
    peak = max(ran.peak for _, ran in long)
    each: dict[int, list[float]] = {size: [] for size in asked.sizes}
    peaks = dict.fromkeys(asked.sizes, 0)
    for number in range(asked.rounds):
        for size in reversed(asked.sizes) if number % 2 else asked.sizes:
            found, ran = _alone(size, asked.short)
            # The first frame is linked to none.
            each[size].append(float(np.mean(found["cpu"][1:])))
            peaks[size] = max(peaks[size], ran.peak)
    sizes = {
        str(size): {"cpu": spread(took), "peak_gb": peaks[size] / 1e9}
        for size, took in each.items()
    }
    took = [found["cpu"]["median"] for found in sizes.values()]
    growth = [
        float(np.log(t / s) / np.log(m / n))
        for (s, t), (n, m) in zip(pairwise(took), pairwise(asked.sizes), strict=True)
    ]
    least, most = asked.sizes[0], asked.sizes[-1]
    allowed = float(most * np.log(most) / (least * np.log(least)))
    return {
        "cells": asked.cells,
        "frames": asked.frames,
        "detections": long[0][0]["detections"],
        "tracks": long[0][0]["tracks"],
        "seconds": seconds,
        "peak_gb": peak / 1e9,
        "sizes": sizes,
        "growth": growth,
        "track": _tracked(asked),
        "bars": [
            bar(
                f"seconds of a core to link {asked.cells:,} cells in {asked.frames} frames",
                seconds["cpu"]["median"],
                most=SECONDS,
            ),
            bar("GB in memory at most then", peak / 1e9, most=MEMORY / 1e9),
            bar(
                f"growth of the time over n log n, {least:,} to {most:,} cells",
                took[-1] / took[0] / allowed,
                most=1,
            ),
        ],
    }


def _alone(cells: int, frames: int) -> tuple[dict[str, Any], Ran]:
    """`link` in a process of its own."""
    here = [sys.executable, "-m", f"benchmarks.{NAME}"]
    ran = run([*here, "--only", str(cells), str(frames)], _ONE_THREAD)
    found: dict[str, Any] = json.loads(ran.output)
    print(f"{cells} cells, {frames} frames: {sum(found['cpu']):.2f} s", file=sys.stderr, flush=True)
    return found, ran


def _tracked(asked: argparse.Namespace) -> dict[str, Any]:
    """What the whole command takes for label images."""
    folder = asked.scratch / NAME
    folder.mkdir(parents=True, exist_ok=True)
    labels = folder / "labels.ome.tif"
    how = Crowd(asked.track_cells, asked.track_frames)
    stack = np.stack([painted(found) for found in crowd(how)])
    tifffile.imwrite(labels, stack, compression="zlib", metadata={"axes": "TYX"}, ome=True)
    out = folder / "tracks"
    took = []
    for _ in range(asked.rounds):
        shutil.rmtree(out, ignore_errors=True)
        took.append(run(cytomill("track", labels, "-o", out, "--quiet")))
    return {
        "cells": asked.track_cells,
        "frames": asked.track_frames,
        "seconds": spread([ran.seconds for ran in took]),
        "peak_gb": max(ran.peak for ran in took) / 1e9,
    }


def painted(found: Detections) -> NDArray[np.uint16]:
    """A label image of detections; where they overlap the later one is seen."""
    image = np.zeros(found.shape, np.uint16)
    for row in range(len(found)):
        # OpenCV's angle turns from x to y, ours from y to x.
        box = (
            (float(found.x[row]), float(found.y[row])),
            (float(found.major[row]), float(found.minor[row])),
            90 - float(np.degrees(found.turn[row])),
        )
        cv2.ellipse(image, box, int(found.ids[row]), cv2.FILLED)
    return image


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The long movie and the whole command."""
    track = found["track"]
    return [
        ["movie", "seconds of a core", "seconds of the clock", "GB at most"],
        [
            f"linking {found['cells']:,} cells in {found['frames']} frames",
            show(found["seconds"]["cpu"], 1),
            show(found["seconds"]["wall"], 1),
            f"{found['peak_gb']:.2f}",
        ],
        [
            f"`cytomill track`, {track['cells']:,} cells in {track['frames']} frames",
            "–",
            show(track["seconds"], 1),
            f"{track['peak_gb']:.2f}",
        ],
    ]


def size_rows(found: dict[str, Any]) -> list[list[str]]:
    """How the time of a frame grows."""
    table = [["cells in a frame", "ms of a core per frame", "power of growth", "GB at most"]]
    powers = ["–", *(f"{power:.2f}" for power in found["growth"])]
    for (size, one), power in zip(found["sizes"].items(), powers, strict=True):
        took = {**one["cpu"], **{k: one["cpu"][k] * 1e3 for k in ("median", "min", "max")}}
        table.append([f"{int(size):,}", show(took, 1), power, f"{one['peak_gb']:.2f}"])
    return table


def main() -> None:
    """Run the benchmark."""
    asked = parser().parse_args()
    if asked.only:
        print(json.dumps(link(*asked.only)))
    else:
        conclude(NAME, asked, measure, rows)


if __name__ == "__main__":
    main()
