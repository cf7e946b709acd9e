"""Scores as aligned text, at most 100 characters wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ops.score import THRESHOLDS, Score, averaged, pooled

#: Columns: heading, and the name of the count or ratio.
_COUNTS = (
    ("truth", "truth"),
    ("pred", "predicted"),
    ("miss", "missed"),
    ("spur", "spurious"),
    ("split", "splits"),
    ("merge", "merges"),
)
_RATIOS = (
    ("F1", "f1"),
    ("prec", "precision"),
    ("rec", "recall"),
    ("AP", "ap"),
    ("mAP", "mean_ap"),
    ("PQ", "pq"),
    ("SEG", "seg"),
    ("F1k", "kiosk_f1"),
)

_WIDTH = 100

#: Names are not cut below this, even where large counts make the table wider.
_MIN_NAME = 12


def table(rows: Sequence[tuple[str, Score]], threshold: float) -> str:
    """A row per image, pooled, mean; then the measures at every threshold; then what they mean.

    Raises ValueError where ``rows`` is empty.
    """
    if not rows:
        raise ValueError("no scores")
    scores = [score for _, score in rows]
    whole, mean = pooled(scores), averaged(scores)
    lines = [["image", *(heading for heading, _ in (*_COUNTS, *_RATIOS))]]
    lines += [_cells(name, score.counts(), score.ratios()) for name, score in rows]
    if len(rows) > 1:
        lines.append(_cells("all objects pooled", whole.counts(), whole.ratios()))
        lines.append(_cells("mean over images", {}, mean))
    blocks = [aligned(lines, rule=len(rows) + 1 if len(rows) > 1 else None)]
    blocks.append(aligned(_by_threshold(whole.ratios(), mean, several=len(rows) > 1)))
    sq = "–" if whole.chosen.sq is None else f"{whole.chosen.sq:.3f}"
    blocks.append(
        f"pooled: SQ {sq}, RQ {whole.chosen.f1:.3f}, foreground IoU {whole.foreground_iou:.3f}, "
        f"Dice {whole.foreground_dice:.3f}\n"
        f"F1, prec, rec, AP, PQ at IoU ≥ {threshold:g}; mAP: AP averaged over IoU 0.50 to 0.95; "
        "F1k: F1 at IoU > 0.6"
    )
    return "\n\n".join(blocks)


def _cells(name: str, counts: Mapping[str, int], ratios: Mapping[str, float | None]) -> list[str]:
    cells = [str(counts.get(key, "")) for _, key in _COUNTS]
    return [name, *cells, *(ratio(ratios[key]) for _, key in _RATIOS)]


def _by_threshold(
    whole: Mapping[str, float | None], mean: Mapping[str, float | None], *, several: bool
) -> list[list[str]]:
    lines = [["IoU ≥", *(f"{threshold:.2f}" for threshold in THRESHOLDS)]]
    names = (("F1", "f1"), ("precision", "precision"), ("recall", "recall"), ("AP", "ap"))
    for prefix, values in [("pooled ", whole), ("mean ", mean)] if several else [("", whole)]:
        for title, key in names:
            cells = (ratio(values[f"{key}_{threshold:.2f}"]) for threshold in THRESHOLDS)
            lines.append([prefix + title, *cells])
    return lines


def ratio(value: float | None) -> str:
    """A number between 0 and 1 to three places; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def aligned(lines: Sequence[Sequence[str]], rule: int | None = None) -> str:
    """Columns aligned, the first left and cut to fit; a rule before line ``rule``."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    widths[0] = max(_MIN_NAME, min(widths[0], _WIDTH - sum(widths[1:]) - len(widths) + 1))
    shown = [
        " ".join(
            [
                _cut(line[0], widths[0]).ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
        ).rstrip()
        for line in lines
    ]
    if rule is not None:
        shown.insert(rule, "-" * (sum(widths) + len(widths) - 1))
    return "\n".join(shown)


def _cut(name: str, width: int) -> str:
    """The beginning and the end of a name: names of a series differ at either."""
    if len(name) <= width:
        return name
    end = (width - 1) * 2 // 3
    return name[: width - 1 - end] + "…" + name[-end:]
