"""The picture of the results: a panel for each benchmark that has peers, and one for the stages."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .accuracy import AP_AIM
from .throughput import AIM, PAPER

#: Ours, others, limits: told apart by people who see no colours, too.
_OURS, _OTHER, _LIMIT, _RULE = "#0b6e6e", "#b9b9b3", "#8a8a85", "#e4e4e0"

_INK = "#333333"

#: Characters of a name on one line.
_WRAP = 24


@dataclass(frozen=True, slots=True)
class Panel:
    """Values by name, from the top; ``ours`` are the names that are drawn in our colour.

    ``lines`` are limits by name. ``form`` formats a value. Bars begin at 0; with ``axis``, the
    least and the most that the axis shows, values are dots, on a ``log`` scale or a plain one.
    """

    title: str
    values: dict[str, float]
    ours: tuple[str, ...]
    form: str
    lines: dict[str, float]
    axis: tuple[float, float] | None = None
    log: bool = False


def panels(results: Mapping[str, dict[str, Any]]) -> list[Panel]:
    """What there is to draw."""
    made = []
    if found := results.get("accuracy"):
        values = {"Cytomill": found["mean"]["ap"]} | found["published"]["ap"]
        made.append(
            Panel(
                "Average precision at IoU 0.5, more is better",
                dict(sorted(values.items(), key=lambda each: -each[1])),
                ("Cytomill",),
                "{:.3f}",
                {"aim": AP_AIM} if found["bars"] else {},
                axis=(min(0.8, *values.values()) - 0.02, max(0.92, *values.values()) + 0.01),
            )
        )
    if found := results.get("throughput"):
        rates = {name: each["median"] for name, each in found["rates"].items()}
        names = {
            "bare": "bare model",
            "command": "cytomill run",
            "script peak_local_max": "script, peak_local_max",
            "script h_maxima": "script, h_maxima",
        }
        made.append(
            Panel(
                "Images a second, more is better",
                {told: rates[name] for name, told in names.items()},
                ("cytomill run",),
                "{:.2f}",
                {"V100": PAPER, "aim": AIM},
            )
        )
    if found := results.get("postprocess"):
        seconds = {
            ("Cytomill" if name == "cytomill" else name): each["median"]
            for name, each in found["seconds"].items()
        }
        made.append(
            Panel(
                "Watershed, seconds per image (log scale)",
                seconds,
                ("Cytomill",),
                "{:.3f}",
                {},
                axis=(min(seconds.values()) / 2, max(seconds.values()) * 4),
                log=True,
            )
        )
    if found := results.get("throughput"):
        stages = {name: 1000 * each["median"] for name, each in found["stages"].items()}
        large = {name: value for name, value in stages.items() if value >= 0.5}
        made.append(
            Panel("Stages of a run, ms per image and thread", large, tuple(large), "{:.0f}", {})
        )
    return made


def draw(results: Mapping[str, dict[str, Any]], path: Path) -> None:
    """Draw all panels into ``path``, an SVG or PNG file; the same results make the same file."""
    mpl.rcParams.update({"svg.hashsalt": "cytomill", "font.size": 9, "axes.titlesize": 10})
    made = panels(results)
    if not made:
        return
    columns = 2 if len(made) > 1 else 1
    lines = -(-len(made) // columns)
    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
    figure = Figure(figsize=(5 * columns, 2.3 * lines), layout=layout)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, ax in zip(made, axes, strict=False):
        _draw(panel, ax)
    for ax in axes[len(made) :]:
        ax.remove()
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, dpi=150, facecolor="white", metadata=metadata)


def _draw(panel: Panel, ax: Axes) -> None:
    names, values = list(panel.values), list(panel.values.values())
    rows = range(len(names))
    colours = [_OURS if name in panel.ours else _OTHER for name in names]
    if panel.axis:
        if panel.log:
            ax.set_xscale("log")
        ax.set_xlim(panel.axis)
        ax.hlines(rows, *panel.axis, color=_RULE, linewidth=0.8, zorder=0)
        ax.scatter(values, rows, s=70, color=colours, zorder=2)
    else:
        ax.set_xlim(0, 1.16 * max(values))
        ax.barh(rows, values, color=colours, height=0.62)
    for row, value in zip(rows, values, strict=True):
        _tell(ax, panel.form.format(value), (value, row), (7 if panel.axis else 4, 0))
    for name, value in panel.lines.items():
        ax.axvline(value, color=_LIMIT, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
        top = (value, len(names) - 0.45)
        ax.annotate(name, top, ha="center", va="top", fontsize=7.5, color=_LIMIT)
    ax.set_ylim(len(names) - 0.45, -0.6)
    ax.set_yticks(rows, [textwrap.fill(name, _WRAP) for name in names])
    ax.set_title(panel.title, loc="left", color=_INK, pad=8)
    ax.tick_params(axis="y", length=0, colors=_INK)
    ax.xaxis.set_visible(False)
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.spines["left"].set_visible(panel.axis is None)
    ax.spines["left"].set_color(_LIMIT)


def _tell(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float]) -> None:
    """A figure beside its bar, readable where a limit crosses it."""
    ax.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        va="center",
        color=_INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
    )
