"""A whole slide: the memory and the time that ``cytomill run`` takes, and what it finds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .common import bar, conclude, show
from .common import parser as common_parser
from .process import cytomill, run, segment

NAME = "slide"

#: Bytes that a run may have in memory at most.
MOST = 2e9


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--size", type=int, default=40_000, help="width and height in pixels")
    made.add_argument("--format", choices=["tiff", "zarr"], default="tiff", help="of the slide")
    made.add_argument("--out-format", choices=["tiff", "zarr"], default="tiff", help="of labels")
    made.add_argument(
        "--score", action=argparse.BooleanOptionalAction, default=True, help="compare with truth"
    )
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Make the slide where it is not there, run over it, compare with the truth.

    This process holds nothing large, so that only the run's own memory is seen.
    """
    image, truth, there = _slide(asked.scratch, asked.size, asked.format)
    out = asked.scratch / f"slide-{asked.size}-{asked.format}-{asked.out_format}"
    options = ("--threads", asked.threads, "--format", asked.out_format)
    ran = segment(image, out, *options)
    (entry,) = ran.entries
    found = {
        "pixels": asked.size**2,
        "input_gb": _size(image) / 1e9,
        "output_gb": _size(out) / 1e9,
        "device": ran.device,
        "seconds": ran.seconds,
        "peak_gb": ran.peak / 1e9,
        "stages": entry["seconds"],
        "objects": {"found": entry["objects"], "truth": there},
        "scores": None,
        "bars": [bar("GB in memory at most", ran.peak / 1e9, most=MOST / 1e9)],
    }
    if asked.score:
        labels = out / entry["outputs"][0]
        told = json.loads(run(cytomill("evaluate", labels, truth, "--json")).output)
        names = ("f1", "precision", "recall", "kiosk_f1", "splits", "merges")
        found["scores"] = {name: told["pooled"][name] for name in names}
    return found


def _slide(scratch: Path, size: int, form: str) -> tuple[Path, Path, int]:
    """A synthetic slide, its labels and the number of its nuclei; made where it is not there."""
    folder = scratch / f"sample-{size}-{form}"
    notes = folder / "sample.json"
    if not notes.exists():
        run(
            cytomill(
                *("sample", "-o", folder, "-n", 1, "--size", f"{size}x{size}"),
                *("--format", form, "--overwrite", "--quiet"),
            )
        )
    (sample,) = json.loads(notes.read_text("utf-8"))["samples"]
    return folder / sample["image"], folder / sample["truth"], sample["objects"]


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    objects, scores = found["objects"], found["scores"]
    told = [
        ["million pixels", show(found["pixels"] / 1e6, 1)],
        ["peak memory, GB", show(found["peak_gb"])],
        ["minutes", show(found["seconds"] / 60)],
        ["million pixels a second", show(found["pixels"] / 1e6 / found["seconds"], 1)],
        ["slide on disk, GB", show(found["input_gb"])],
        ["results on disk, GB", show(found["output_gb"])],
        ["nuclei found", show(objects["found"], 0)],
        ["nuclei there", show(objects["truth"], 0)],
    ]
    if scores:
        told += [["F1 at IoU 0.5", show(scores["f1"], 4)], ["splits", show(scores["splits"], 0)]]
        told += [["merges", show(scores["merges"], 0)]]
    return [["what", f"{found['device']}"], *told]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
