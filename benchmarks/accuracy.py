"""How well nuclei are found on images that the model has not seen, beside published figures.

The default images are the published test split: to report on, never to choose anything by.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .common import DATA, bar, conclude, show
from .common import parser as common_parser
from .process import cytomill, run, segment

NAME = "accuracy"

_TEST = DATA / "dsb2018_stardist" / "test"

#: AP at IoU 0.5, averaged over these test images, as their papers and notes give it.
PUBLISHED = {"StarDist": 0.864, "EmbedSeg with test-time augmentation": 0.887}

#: F1 by its own rule of the Kiosk's nuclear model, on its own test images.
KIOSK = 0.8968

#: What is promised and what is aimed at.
AP, AP_AIM, F1 = 0.887, 0.90, 0.90

#: Measures in the table: heading, name in `cytomill evaluate --json`.
MEASURES = (
    ("AP at 0.5", "ap"),
    ("AP 0.5 to 0.95", "mean_ap"),
    ("F1 at 0.5", "f1"),
    ("Kiosk-rule F1", "kiosk_f1"),
    ("PQ", "pq"),
    ("SEG", "seg"),
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--images", type=Path, default=_TEST / "images", help="folder of images")
    made.add_argument("--truth", type=Path, default=_TEST / "masks", help="folder of labels")
    made.add_argument("--pattern", default="*.tif", help="the files of both folders that count")
    made.add_argument("--pixel-size", type=float, help="in µm, where it is known")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Label the images with the command, score them with the command."""
    out = asked.scratch / "accuracy"
    options = ["--pattern", asked.pattern, "--threads", asked.threads, "--no-measure"]
    if asked.pixel_size:
        options += ["--pixel-size", asked.pixel_size]
    ran = segment(asked.images, out, *options)
    scored = run(cytomill("evaluate", out, asked.truth, "--pattern", asked.pattern, "--json"))
    told = json.loads(scored.output)
    counts = ("truth", "predicted", "matched", "missed", "spurious", "splits", "merges")
    bars = []
    if asked.images.resolve() == (_TEST / "images").resolve():
        bars = [
            bar("AP at IoU 0.5, mean over images", told["mean"]["ap"], least=AP),
            bar("AP at IoU 0.5, mean over images, aim", told["mean"]["ap"], least=AP_AIM),
            bar("Kiosk-rule F1, all objects", told["pooled"]["kiosk_f1"], least=F1),
        ]
    return {
        "device": ran.device,
        "model": ran.manifest["models"]["nuclei"],
        "images": told["mean"]["images"],
        "folder": "/".join(asked.images.resolve().parts[-3:]),
        "counts": {name: told["pooled"][name] for name in counts},
        "mean": {name: told["mean"][name] for _, name in MEASURES},
        "pooled": {name: told["pooled"][name] for _, name in MEASURES},
        "published": {"ap": PUBLISHED, "kiosk_f1": {"Kiosk on its own images": KIOSK}},
        "bars": bars,
    }


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""

    def published(name: str) -> str:
        told = found["published"].get(name, {})
        return "; ".join(f"{who} {figure:g}" for who, figure in told.items()) or "–"

    def cell(way: str, name: str) -> str:
        value = found[way][name]
        return "–" if value is None else show(value, 3)

    return [
        [
            f"{found['images']} images of {found['folder']}",
            "mean over images",
            "all objects",
            "published",
        ],
        *(
            [title, cell("mean", name), cell("pooled", name), published(name)]
            for title, name in MEASURES
        ),
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
