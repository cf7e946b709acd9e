"""The picture of the README: outlines that `cytomill run --overlay` drew on real images.

The images are from the CC0 sets and were kept out of training (validation images) or are part of
none of its splits; only this picture of them is in the repository.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from PIL import Image

from training.nuclei.data import is_validation

from .common import DATA, ROOT
from .common import parser as common_parser
from .process import segment

#: Width and height of one panel and pixels between panels; the picture has two rows of four.
_PANEL, _GAP, _COLUMNS, _ROWS = 320, 6, 4, 2


def main() -> None:
    made: argparse.ArgumentParser = common_parser(__doc__)
    made.add_argument("--picture", type=Path, default=ROOT / "docs" / "images" / "result.png")
    asked = made.parse_args()
    folder = asked.scratch / "figure"
    shutil.rmtree(folder, ignore_errors=True)
    images = folder / "images"
    images.mkdir(parents=True)
    for path in chosen(DATA / "dsb2018_stardist" / "train" / "images"):
        shutil.copy(path, images / path.name)
    segment(images, folder / "out", "--overlay", "--no-measure", "--threads", asked.threads)
    overlays = sorted((folder / "out").glob("*_overlay.png"))
    asked.picture.parent.mkdir(parents=True, exist_ok=True)
    sheet(overlays).save(asked.picture, optimize=True)
    print(asked.picture)


def chosen(folder: Path) -> list[Path]:
    """Validation images of different kinds: evenly spaced when ordered by size and name."""
    held_out = [path for path in folder.glob("*.tif") if is_validation(path.stem)]
    by_kind = sorted(held_out, key=lambda path: (Image.open(path).size, path.name))
    count = _COLUMNS * _ROWS
    return [by_kind[round((i + 0.5) * len(by_kind) / count)] for i in range(count)]


def sheet(overlays: list[Path]) -> Image.Image:
    """The middle of each overlay, side by side."""
    step = _PANEL + _GAP
    made = Image.new("RGB", (_COLUMNS * step - _GAP, _ROWS * step - _GAP), "white")
    for place, path in enumerate(overlays):
        panel = Image.open(path).convert("RGB")
        edge = min(256, *panel.size)
        left, top = ((extent - edge) // 2 for extent in panel.size)
        panel = panel.crop((left, top, left + edge, top + edge)).resize((_PANEL, _PANEL))
        made.paste(panel, (place % _COLUMNS * step, place // _COLUMNS * step))
    return made.quantize(256, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
