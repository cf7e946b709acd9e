"""From data to model package: ``python -m training.nuclei --data DATA --out WORK``.

Killed and started again with the same ``--out``, it carries on. The package lands in
``WORK/package``; copy it over ``src/cytomill/models/builtin/nuclei`` to ship it.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tifffile
import torch
from numpy.typing import NDArray

from cytomill.ops.score import Score, pooled, score
from cytomill.ops.watershed import Watershed, watershed

from .card import write_readme
from .data import VALIDATION_SHARE, Example, example, load
from .export import write_onnx, write_package
from .pictures import loss_curve
from .quantise import write_int8
from .train import Budget, fit
from .validate import choose, prepared, thresholds

#: Synthetic images beside the real ones, and the seed of everything random.
SYNTHETIC, SEED = 160, 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.nuclei", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the CC0 sets")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints and package"
    )
    parser.add_argument("--minutes", type=float, default=Budget().minutes, help="time for the fit")
    parser.add_argument("--steps", type=int, default=Budget().steps, help="steps at most")
    parser.add_argument("--batch", type=int, default=Budget().batch)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that make crops")
    parser.add_argument("--version", default="1.0.0", help="version of the package")
    options = parser.parse_args()
    if not (options.data / "dsb2018_stardist" / "train").is_dir():
        sys.exit(f"--data {options.data}: holds no dsb2018_stardist/train")
    options.out.mkdir(parents=True, exist_ok=True)

    train, validation = load(options.data, SYNTHETIC, SEED)
    print(f"{len(train)} training images, {len(validation)} validation images", flush=True)
    budget = Budget(steps=options.steps, minutes=options.minutes, batch=options.batch)
    network = fit(train, options.out, budget, options.device, SEED, options.workers)

    package = options.out / "package"
    package.mkdir(exist_ok=True)
    write_onnx(network, package / "nuclei.onnx")
    write_int8(package / "nuclei.onnx", package / "nuclei_int8.onnx", train, SEED)
    loss_curve(options.out / "loss.csv", package / "loss.png")

    # On the weights that most machines run.
    how, value = choose(predicted(package / "nuclei_int8.onnx", validation), validation)
    print(f"{how}: {value:.4f} on validation images", flush=True)
    scores: dict[str, Any] = {}
    for weights in ("nuclei.onnx", "nuclei_int8.onnx"):
        scores[weights] = {
            "validation": evaluated(package / weights, validation, how),
            "dsb2018 test": evaluated(package / weights, held_out(options.data), how),
        }
    print(json.dumps(scores, indent=1), flush=True)

    with (options.out / "loss.csv").open() as lines:
        last = list(csv.reader(lines))[-1]
    recipe = {
        "data": [
            "BBBC038 stage1_train (StarDist's subset, training split), CC0",
            "BBBC038 stage1_train (fluorescence images left out of it), CC0",
            "synthetic images of cytomill.ops.synthesise",
        ],
        "images": {"training": len(train), "validation": len(validation), "synthetic": SYNTHETIC},
        "validation": f"one image of {VALIDATION_SHARE}, by the hash of its name",
        "steps": int(last[0]),
        "minutes": round(int(last[1]) / 60),
        "seed": SEED,
        "device": "CPU" if options.device == "cpu" else torch.cuda.get_device_name(),
    }
    write_readme(package, scores, recipe)
    write_package(package, validation[0], thresholds(how), scores, recipe, options.version)
    print(f"package: {package}")


def predicted(weights: Path, examples: list[Example]) -> list[NDArray[np.uint8]]:
    """Maps of each example, cut to its size."""
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    found = []
    for item in examples:
        height, width = item.image.shape
        found.append(session.run(None, {"image": prepared(item)})[0][0][:, :height, :width])
    return found


def evaluated(weights: Path, examples: list[Example], how: Watershed) -> dict[str, float]:
    """Scores with the measures of ``cytomill evaluate``: means over images, and pooled."""
    each = [
        score(watershed(maps, how).labels, item.labels)
        for maps, item in zip(predicted(weights, examples), examples, strict=True)
    ]
    together = pooled(each)

    def mean_of(measure: Callable[[Score], float | None]) -> float:
        values = [value for one in each if (value := measure(one)) is not None]
        return round(float(np.mean(values)), 4)

    return {
        "images": len(each),
        "nuclei": together.truth,
        "AP@0.5, mean over images": mean_of(lambda s: s.at[0].ap),
        "AP@0.5, pooled": round(together.at[0].ap, 4),
        "AP@0.5:0.95, mean over images": mean_of(lambda s: s.mean_ap),
        "F1@0.5, pooled": round(together.at[0].f1, 4),
        "Kiosk F1 (IoU > 0.6), pooled": round(together.kiosk.f1, 4),
        "Kiosk F1 (IoU > 0.6), mean over images": mean_of(lambda s: s.kiosk.f1),
        "PQ, mean over images": mean_of(lambda s: s.at[0].pq),
        "SEG, mean over images": mean_of(lambda s: s.seg),
    }


def held_out(data: Path) -> list[Example]:
    """StarDist's published test images: reported, never trained, tuned or chosen on."""
    folder = data / "dsb2018_stardist" / "test"
    return [
        example(path.stem, tifffile.imread(path), tifffile.imread(folder / "masks" / path.name))
        for path in sorted((folder / "images").glob("*.tif"))
    ]


if __name__ == "__main__":
    main()
