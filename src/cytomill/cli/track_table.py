"""Scores of tracking as aligned text, at most 100 characters wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..tracks.scores.errors import Broken
from ..tracks.scores.score import TrackScore, averaged
from .score_table import aligned, ratio

#: Columns: heading, and the name of the count.
_CELLS = (
    ("cells", "cells"),
    ("miss", "missed_cells"),
    ("spur", "spurious_cells"),
    ("merge", "merged_cells"),
    ("links", "links"),
    ("miss", "missing_links"),
    ("wrong", "wrong_links"),
    ("kind", "confused_links"),
    ("tracks", "tracks"),
    ("pred", "predicted_tracks"),
    ("whole", "complete_tracks"),
)
_DIVISIONS = (
    ("divisions", "divisions"),
    ("pred", "predicted_divisions"),
    ("found", "found_divisions"),
    ("miss", "missed_divisions"),
    ("spur", "spurious_divisions"),
)

#: Broken tracks, and frames with missed divisions, that are told of each movie.
_WORST = 3
_FRAMES = 12


def table(rows: Sequence[tuple[str, TrackScore]]) -> str:
    """The scores, a row per movie and the mean; then what was counted; then divisions.

    Raises ValueError where ``rows`` is empty.
    """
    if not rows:
        raise ValueError("no scores")
    scores = [score for _, score in rows]
    tolerance = scores[0].tolerance
    main = (
        ("SEG", "seg"),
        ("DET", "det"),
        ("TRA", "tra"),
        ("LNK", "lnk"),
        ("CT", "ct"),
        ("TF", "tf"),
        (f"BC({tolerance})", f"bc_{tolerance}"),
        ("CCA", "cca"),
        ("BIO", "bio"),
        ("OP_CSB", "op_csb"),
        ("OP_CTB", "op_ctb"),
        ("OP_CLB", "op_clb"),
        ("IDF1", "idf1"),
        ("HOTA", "hota"),
    )
    found = (
        ("prec", f"division_precision_{tolerance}"),
        ("rec", f"division_recall_{tolerance}"),
        *((f"F1({each.tolerance})", f"bc_{each.tolerance}") for each in scores[0].divisions),
        (f"MBC({tolerance})", f"mbc_{tolerance}"),
    )
    blocks = [_block(rows, (), main), _block(rows, _CELLS, ()), _block(rows, _DIVISIONS, found)]
    frames = "1 frame" if tolerance == 1 else f"{tolerance} frames"
    blocks.append(
        f"BIO and the counts of divisions allow {frames} between a predicted and a true one "
        "(--tolerance)"
    )
    return "\n\n".join(blocks)


def _block(
    rows: Sequence[tuple[str, TrackScore]],
    counts: Sequence[tuple[str, str]],
    ratios: Sequence[tuple[str, str]],
) -> str:
    lines = [["movie", *(heading for heading, _ in (*counts, *ratios))]]
    lines += [_cells(name, score.counts(), score.ratios(), counts, ratios) for name, score in rows]
    mean = len(rows) > 1 and bool(ratios)
    if mean:
        means = averaged([score for _, score in rows])
        lines.append(_cells("mean", {}, means, counts, ratios))
    return aligned(lines, rule=len(rows) + 1 if mean else None)


def _cells(
    name: str,
    numbers: Mapping[str, int],
    values: Mapping[str, float | None],
    counts: Sequence[tuple[str, str]],
    ratios: Sequence[tuple[str, str]],
) -> list[str]:
    told = [str(numbers.get(key, "")) for _, key in counts]
    return [name, *told, *(ratio(values[key]) for _, key in ratios)]


def worst(name: str, broken: Sequence[Broken], missed: Sequence[int]) -> str:
    """What to look at first: true tracks that were lost, and frames with missed divisions.

    ``broken`` are those that lost most first, ``missed`` the last frame of the parent of each
    missed division, ascending. Empty where there is neither.
    """
    lines: list[str] = []
    if broken:
        lines.append(f"{name}: {len(broken)} true tracks are not followed throughout")
        lines += [f"  {_told(one)}" for one in broken[:_WORST]]
        if len(broken) > _WORST:
            lines.append(f"  and {len(broken) - _WORST} more (--errors FILE.csv lists all errors)")
    if missed:
        shown = ", ".join(map(str, missed[:_FRAMES]))
        more = f" and {len(missed) - _FRAMES} more" if len(missed) > _FRAMES else ""
        frames = "frame" if len(missed) == 1 else "frames"
        lines.append(f"{name}: missed divisions after {frames} {shown}{more}")
    return "\n".join(lines)


def _told(one: Broken) -> str:
    frames = one.end - one.begin + 1
    place = f"track {one.label}, frames {one.begin} to {one.end}"
    if not one.longest:
        return f"{place}: never found by a label of its own"
    pieces = "1 piece" if one.pieces == 1 else f"{one.pieces} pieces"
    return f"{place}: {one.longest} of {frames} on end, {pieces}"
