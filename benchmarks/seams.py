"""Whether labels of a tiled image are those of the image done whole, and what each costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from cytomill.models.registry import find
from cytomill.ops.overlap import overlaps

from . import samples
from .common import bar, conclude, show
from .common import parser as common_parser
from .process import segment

NAME = "seams"

#: Least mean IoU of an object with its counterpart.
LEAST = 0.999

#: More pixels than any plane has.
_ALL = str(2**62)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    # No part has more than 2^26 pixels of the model's grid, and twice as fine this has 2^25.9.
    made.add_argument("--size", type=samples.size, default="4000x4000", help="of the image")
    made.add_argument("--tiles", type=int, nargs="+", default=[512, 2048], help="edges of tiles")
    made.add_argument(
        "--scales",
        type=float,
        nargs="+",
        default=[1.0, 0.5, 2.0],
        help="pixels of the model's grid for one of the image",
    )
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Do each image whole and in tiles."""
    ours = find("nuclei").pixel_size
    found: list[dict[str, Any]] = []
    for scale in asked.scales:
        pixel_size = ours * scale
        images, _ = samples.folder(asked.scratch, 1, asked.size, pixel_size)
        whole = _labels(asked, images, pixel_size, {"CYTOMILL_WHOLE": _ALL})
        for tile in asked.tiles:
            settings = {"CYTOMILL_WHOLE": "1", "CYTOMILL_TILE": str(tile)}
            tiled = _labels(asked, images, pixel_size, settings)
            same = _agreement(tiled["file"], whole["file"])
            costs = {
                f"{name}_{way}": each[name]
                for way, each in (("whole", whole), ("tiled", tiled))
                for name in ("seconds", "peak_gb")
            }
            found.append({"scale": scale, "tile": tile} | same | costs)
    return {
        "runs": found,
        "bars": [
            bar("mean IoU of objects, tiled and whole", min(r["mean"] for r in found), least=LEAST),
            bar(
                "objects more or fewer when tiled",
                max(abs(r["tiled"] - r["whole"]) for r in found),
                most=0,
            ),
        ],
    }


def _labels(
    asked: argparse.Namespace, images: Path, pixel_size: float, settings: dict[str, str]
) -> dict[str, Any]:
    """Labels of the only image, with the seconds and the memory they took."""
    out = asked.scratch / "seams" / "-".join(settings.values())
    options = ("--pixel-size", f"{pixel_size:g}", "--threads", asked.threads, "--no-measure")
    ran = segment(images, out, *options, settings=settings)
    (entry,) = ran.entries
    return {
        "file": out / entry["outputs"][0],
        "seconds": ran.seconds,
        "peak_gb": ran.peak / 1e9,
    }


def _agreement(tiled: Path, whole: Path) -> dict[str, Any]:
    """Objects in both, and the IoU of each object of ``whole`` with its best counterpart."""
    table = overlaps(tifffile.imread(tiled), tifffile.imread(whole))
    best = np.zeros(len(table.truth_ids))
    np.maximum.at(best, table.truth, table.iou)
    return {
        "tiled": len(table.pred_ids),
        "whole": len(table.truth_ids),
        "mean": float(best.mean()) if best.size else 1.0,
        "min": float(best.min(initial=1.0)),
        "differing": int(np.count_nonzero(best < 1)),
    }


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    return [
        [
            *("scale", "tile", "objects whole", "objects tiled", "IoU mean", "IoU min"),
            *("s whole", "s tiled", "GB whole", "GB tiled"),
        ],
        *(
            [
                *(f"{r['scale']:g}", str(r["tile"]), show(r["whole"], 0), show(r["tiled"], 0)),
                *(show(r["mean"], 5), show(r["min"], 5)),
                *(show(r["seconds_whole"], 1), show(r["seconds_tiled"], 1)),
                *(show(r["peak_gb_whole"], 1), show(r["peak_gb_tiled"], 1)),
            ]
            for r in found["runs"]
        ),
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
