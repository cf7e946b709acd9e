"""The script that people write today: ``python -m benchmarks.script IMAGES OUT``.

The same network in ONNX Runtime, and for the rest the libraries that everyone knows: tifffile,
numpy, scikit-image. It does what ``cytomill run`` does and measures the same properties. A process
for each core works through the images, which is more than most scripts do. It prints the seconds
from the first image to the last, without imports and loading of the model.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tifffile
from skimage.measure import regionprops_table

from cytomill.models.registry import find

from .peers import Deep, deep_watershed, named

#: The properties of `cytomill.ops.measure`, as scikit-image calls them.
PROPERTIES = (
    "label",
    "area",
    "bbox",
    "centroid",
    "equivalent_diameter_area",
    "axis_major_length",
    "axis_minor_length",
    "eccentricity",
    "orientation",
    "perimeter",
    "solidity",
    "extent",
    "intensity_mean",
    "intensity_min",
    "intensity_max",
    "intensity_std",
)

_loaded: dict[str, Any] = {}


def load() -> None:
    """Load the model into this process, on one core."""
    model = find("nuclei")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    _loaded["stride"] = model.stride
    _loaded["session"] = onnxruntime.InferenceSession(model.weights.path, options, providers)
    _loaded["input"] = _loaded["session"].get_inputs()[0].name


def segment(path: Path, out: Path, how: Deep) -> None:
    """From an image to labels and a table."""
    image = tifffile.imread(path)
    low, high = np.percentile(image, [1, 99.8])
    x = ((image - low) / (high - low)).astype(np.float32)
    x = np.where(x > 1, 1 + np.log(np.maximum(x, 1)), np.maximum(x, -1))
    pad = [(0, -n % _loaded["stride"]) for n in x.shape]
    x = np.pad(x, pad, mode="symmetric")
    (maps,) = _loaded["session"].run(None, {_loaded["input"]: x[None, None]})
    labels = deep_watershed(named(maps[0, :, : image.shape[0], : image.shape[1]]), how)
    table = regionprops_table(labels, image, properties=PROPERTIES)
    with (out / f"{path.stem}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    tifffile.imwrite(out / f"{path.stem}_labels.tif", labels.astype(np.uint16), compression="zlib")


def ready(_: int) -> None:
    """Nothing: that it returns says that a process is up and has its model."""
    time.sleep(0.05)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, help="images, from the first on")
    parser.add_argument("--threads", type=int, default=2, help="processes")
    parser.add_argument("--algorithm", choices=["h_maxima", "peak_local_max"], default="h_maxima")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    paths = sorted(asked.images.glob("*.tif"))[: asked.limit]
    jobs = [(path, asked.out, Deep(algorithm=asked.algorithm)) for path in paths]
    context = multiprocessing.get_context("spawn")
    with context.Pool(asked.threads, initializer=load) as pool:
        pool.map(ready, range(asked.threads), chunksize=1)
        begun = time.perf_counter()
        pool.starmap(segment, jobs, chunksize=1)
        print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
