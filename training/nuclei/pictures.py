"""The loss curve, as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

#: Columns of ``loss.csv`` after step and seconds.
PARTS = ("total", "foreground", "dice", "distance", "centre")


def loss_curve(log: Path, picture: Path) -> None:
    """Draw the running means of ``log`` (``loss.csv``) over steps."""
    with log.open() as lines:
        rows = [[float(cell) for cell in row] for row in csv.reader(lines)]
    figure, axes = plt.subplots(figsize=(7, 3.6), dpi=130, layout="constrained")
    steps = [row[0] for row in rows]
    for place, part in enumerate(PARTS, start=2):
        axes.plot(
            steps, [row[place] for row in rows], label=part, linewidth=2 if part == "total" else 1
        )
    axes.set(xlabel="step", ylabel="training loss (running mean)", yscale="log")
    axes.legend(frameon=False, ncols=len(PARTS), fontsize=8)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture)
    plt.close(figure)
