"""Numbers as they are written in names, in little space: a movie may have ten thousand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def packed(written: Iterable[str]) -> list[str]:
    """Runs of numbers of one length that follow each other, as ``000-091``; others as they are."""
    runs: list[list[str]] = []
    for text in written:
        last = runs[-1][-1] if runs else ""
        if len(last) == len(text) and int(last) + 1 == int(text):
            runs[-1] = [runs[-1][0], text]
        else:
            runs.append([text])
    return ["-".join(run) for run in runs]


def unpacked(runs: Sequence[str]) -> tuple[str, ...]:
    """What was `packed`."""
    written: list[str] = []
    for run in runs:
        first, dash, last = run.partition("-")
        if dash:
            numbers = range(int(first), int(last) + 1)
            written += (f"{number:0{len(first)}d}" for number in numbers)
        else:
            written.append(first)
    return tuple(written)
