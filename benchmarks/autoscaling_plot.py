"""The picture of `autoscaling`: the queue and the workers over time, of the paper and of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

#: Colour, line and name of each, told apart by people who see no colours, too.
_LINES = {"throughput": ("#0b6e6e", "-"), "paper": ("#8a8a85", (0, (4, 2)))}

#: What is drawn: key and title.
_PANELS = (
    ("queue", "Images that wait or are worked on"),
    ("gpus", "GPUs that are ready"),
    ("consumers", "Consumers that are ready"),
)

_INK, _RULE = "#333333", "#e4e4e0"


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw the runs with the first seed into ``path``; the same results make the same file."""
    mpl.rcParams.update({"svg.hashsalt": "cytomill", "font.size": 9, "axes.titlesize": 10})
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    figure = Figure(figsize=(10, 2.8), layout=layout)
    for (key, title), ax in zip(_PANELS, figure.subplots(1, len(_PANELS)), strict=True):
        for name, (colour, dashes) in _LINES.items():
            line = found["timeline"][name]
            minutes = [one["seconds"] / 60 for one in line]
            values = [one[key] for one in line]
            style = "default" if key == "queue" else "steps-post"
            ax.plot(
                minutes,
                values,
                color=colour,
                linestyle=dashes,
                linewidth=1.6,
                drawstyle=style,
                label=name,
            )
        ax.set_title(title, loc="left", color=_INK, pad=8)
        ax.set_xlabel("minutes since the first job", color=_INK)
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.grid(axis="y", color=_RULE, linewidth=0.8)
        ax.tick_params(colors=_INK, length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.spines["bottom"].set_color(_INK)
    figure.axes[0].legend(frameon=False, labelcolor=_INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, dpi=150, facecolor="white", metadata=metadata)
