"""From the model's maps to labels: our watershed and the Kiosk's, on the same maps.

The Kiosk's runs with its toolbox's defaults, and with the thresholds that suit our maps best: they
are chosen on the images that the model's own thresholds were chosen on, so that neither side has
seen more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from cytomill.inference.load import models
from cytomill.inference.runtime import Runtime
from cytomill.models.registry import find
from cytomill.ops.score import Score, averaged, pooled, score
from cytomill.ops.watershed import Watershed, watershed
from training.nuclei.data import is_validation

from . import samples
from .common import DATA, alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .network import maps as maps_of
from .peers import Deep, deep_watershed, flood, named, seeds

NAME = "postprocess"

#: Pixels that seconds are given for: the paper's image.
UNIT = 1280 * 1080

#: Times the speed that ours is to have.
LEAST = 10

#: What is tried for the fair setting, besides the defaults.
MAXIMA = tuple(product(("centre", "distance", "relief"), (2, 5, 10), (0.05, 0.1, 0.2)))
INTERIOR = (
    *product(["distance"], (0.01, 0.05, 0.1, 0.2), (0.0, 1.0)),
    *product(["foreground"], (0.4, 0.5, 0.6), (0.0, 1.0)),
)

#: For local maxima the threshold is the least height of a peak, not its rise.
HEIGHT = {0.05: 0.2, 0.1: 0.35, 0.2: 0.5}

#: One image: its maps, the same as the peer has them, the truth.
Case = tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]], NDArray[np.integer]]

#: From an image's maps to its labels.
Way = Callable[[Case], NDArray[np.int32]]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--images", type=int, default=4, help="synthetic images, which are timed")
    made.add_argument("--size", type=samples.size, default="1280x1080", help="of these")
    made.add_argument("--rounds", type=int, default=3, help="times that each contestant runs")
    made.add_argument("--data", type=Path, default=DATA, help="folder of real microscopy")
    made.add_argument("--tune-images", type=int, default=24, help="to choose the fair setting on")
    made.add_argument(
        "--test", action="store_true", help="score the published test images too; to report only"
    )
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Choose the peer's thresholds, score all, then time all in turn."""
    runtime = models("auto", asked.threads)["nuclei"]
    home = samples.folder(asked.scratch, asked.images, asked.size)
    sets = {"synthetic": [_case(*pair, runtime) for pair in samples.pairs(*home)]}
    stardist = asked.data / "dsb2018_stardist"
    if stardist.is_dir():
        sets["DSB2018 validation"] = [_case(*pair, runtime) for pair in _validation(stardist)]
        if asked.test:
            test = stardist / "test"
            pairs = samples.pairs(test / "images", test / "masks")
            sets["DSB2018 test"] = [_case(*pair, runtime) for pair in pairs]
    known = sets.get("DSB2018 validation", sets["synthetic"])
    step = max(1, len(known) // asked.tune_images)
    ours = Watershed(**find(runtime.name).settings["watershed"])
    plain = Deep(), Deep(algorithm="peak_local_max")
    fair = [_suited(known[::step], replace(how, small=ours.area)) for how in plain]
    peers = {
        "h_maxima, defaults": plain[0],
        "h_maxima, suited": fair[0],
        "peak_local_max, defaults": plain[1],
        "peak_local_max, suited": fair[1],
    }
    ways: dict[str, Way] = {"cytomill": lambda case: watershed(case[0], ours).labels}
    ways |= {peer: partial(_deep, how) for peer, how in peers.items()}
    scores = {
        name: {way: _scored([label(case) for case in cases], cases) for way, label in ways.items()}
        for name, cases in sets.items()
    }
    took = alternate(
        {way: partial(_clock, label, sets["synthetic"]) for way, label in ways.items()},
        asked.rounds,
    )
    speed = {peer: ratio(took[peer], took["cytomill"]) for peer in peers}
    gains = {
        name: scored["cytomill"]["f1"] - max(scored[peer]["f1"] for peer in peers)
        for name, scored in scores.items()
    }
    return {
        "device": runtime.device,
        "watershed": asdict(ours),
        "peers": {peer: asdict(how) for peer, how in peers.items()},
        "seconds": {name: spread(each) for name, each in took.items()},
        "ratios": speed,
        "scores": scores,
        "images": {name: len(cases) for name, cases in sets.items()},
        "bars": [
            bar(
                "times the speed of h_maxima with its defaults",
                speed["h_maxima, defaults"]["median"],
                least=LEAST,
            ),
            *(
                bar(f"Kiosk-rule F1 less that of the best peer, {name}", gain, least=0)
                for name, gain in gains.items()
            ),
        ],
    }


def _validation(folder: Path) -> list[tuple[NDArray[np.generic], NDArray[np.integer]]]:
    """The images that the model's thresholds were chosen on, and their labels."""
    train = folder / "train"
    return [
        (tifffile.imread(path), tifffile.imread(train / "masks" / path.name))
        for path in sorted((train / "images").glob("*.tif"))
        if is_validation(path.stem)
    ]


def _case(pixels: NDArray[np.generic], truth: NDArray[np.integer], runtime: Runtime) -> Case:
    found = maps_of(pixels, runtime)
    return found, named(found), truth


def _suited(cases: list[Case], start: Deep) -> Deep:
    """The setting of the peer with the best mean of Kiosk-rule F1 on ``cases``."""
    local = start.algorithm == "peak_local_max"
    best, value = start, -1.0
    for maxima, radius, threshold in MAXIMA:
        how = replace(
            start,
            maxima=maxima,
            radius=radius,
            maxima_threshold=HEIGHT[threshold] if local else threshold,
        )
        markers = [seeds(case[1], how) for case in cases]
        for interior, least, smooth in INTERIOR:
            trial = replace(
                how, interior=interior, interior_threshold=least, interior_smooth=smooth
            )
            found = [flood(case[1], m, trial) for case, m in zip(cases, markers, strict=True)]
            if (reached := _scored(found, cases)["mean_f1"]) > value:
                best, value = trial, reached
    return best


def _scored(labels: list[NDArray[np.int32]], cases: list[Case]) -> dict[str, float]:
    """F1 by the Kiosk's rule, of all objects together and averaged over images; AP at IoU 0.5."""
    scores: list[Score] = [score(found, case[2]) for found, case in zip(labels, cases, strict=True)]
    mean = averaged(scores)
    return {
        "f1": pooled(scores).kiosk.f1,
        "mean_f1": mean["kiosk_f1"] or 0.0,
        "mean_ap": mean["ap"] or 0.0,
    }


def _deep(how: Deep, case: Case) -> NDArray[np.int32]:
    return deep_watershed(case[1], how)


def _clock(way: Way, cases: list[Case]) -> float:
    """Seconds for as many pixels as `UNIT` has."""
    begun = time.perf_counter()
    for case in cases:
        way(case)
    return (time.perf_counter() - begun) * UNIT / sum(case[2].size for case in cases)


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    sets = list(found["scores"])
    heading = ["contestant", "seconds per 1.38 Mpx", "times ours"]
    table = [[*heading, *(f"F1, {name}" for name in sets)]]
    for name, seconds in found["seconds"].items():
        times = found["ratios"].get(name)
        table.append(
            [
                name,
                show(seconds, 3),
                show(times, 1) if times else "1",
                *(show(found["scores"][one][name]["f1"], 4) for one in sets),
            ]
        )
    return table


def setting_rows(found: dict[str, Any]) -> list[list[str]]:
    """The settings of the peers."""
    names = list(next(iter(found["peers"].values())))[1:]
    return [
        ["setting", *(name.replace("_", " ") for name in names)],
        *([peer, *(str(how[name]) for name in names)] for peer, how in found["peers"].items()),
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
