"""``cytomill evaluate --tracks``: how good are tracks, measured against the truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..errors import CytomillError, InputError, OptionError
from ..image.atomic import replacing
from ..tracks.scores.divisions import LARGEST
from ..tracks.scores.errors import Broken, Error, broken, errors
from ..tracks.scores.movie import compare_movies
from ..tracks.scores.score import TrackScore, averaged, score_tracks
from .track_movies import (
    MoviePair,
    MoviePairing,
    broken_rules,
    is_outlined,
    open_movie,
    outlines,
    pair_movies,
)
from .track_table import table, worst

#: Faults of a result that are told one by one; of more their number.
_TOLD = 5


@dataclass(frozen=True, slots=True)
class _Result:
    pair: MoviePair
    score: TrackScore
    faults: tuple[str, ...]
    broken: tuple[Broken, ...]
    missed: tuple[int, ...]
    errors: tuple[Error, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for; see the command's options."""

    border: int
    tolerance: int
    allow_missing: bool
    as_json: bool
    csv_file: Path | None
    errors_file: Path | None


def evaluate(pred: Path, truth: Path, wanted: Wanted) -> tuple[list[CytomillError], int]:
    """Score the movies, print what was found and write the files asked for.

    Returns what failed, and how many movies were scored.
    """
    if not 0 <= wanted.tolerance <= LARGEST:
        raise OptionError(f"--tolerance {wanted.tolerance}: must be 0 to {LARGEST} frames")
    pairing = pair_movies(pred, truth)
    faults = _unpaired(pairing, pred, truth, wanted.allow_missing)
    results: list[_Result] = []
    for pair in pairing.pairs:
        try:
            results.append(_scored(pair, wanted))
        except InputError as fault:
            faults.append(fault)
    for result in results:
        for sentence in _some(result.faults):
            click.echo(f"warning: {result.pair.pred}: {sentence}", err=True)
    if wanted.as_json:
        click.echo(_json(results, faults, wanted))
    elif results:
        click.echo(table([(each.pair.name, each.score) for each in results]))
        told = [worst(each.pair.name, each.broken, each.missed) for each in results]
        if any(told):
            click.echo("\n" + "\n".join(filter(None, told)))
    if results and wanted.csv_file is not None:
        _write(wanted.csv_file, [_record(each) for each in results])
    if results and wanted.errors_file is not None:
        _write(wanted.errors_file, _listed(results), _HEADING)
    return faults, len(results)


def _scored(pair: MoviePair, wanted: Wanted) -> _Result:
    with open_movie(pair.pred) as pred, open_movie(pair.truth) as truth:
        reading = compare_movies(
            pred, truth, outlines(truth), wanted.border, outlined=is_outlined(truth)
        )
        mine, true = map(broken_rules, (pred, truth), reading.present)
    comparison = reading.comparison
    if not comparison.mending.counts.nodes:
        raise InputError(pair.truth, "has no cell", "nothing can be scored against it")
    if true:
        raise InputError(pair.truth, "; ".join(_some(true)), "a truth must agree with itself")
    seg = None if reading.seg is None else reading.seg.value
    missed = sorted(one.parent.end for one in comparison.divisions[wanted.tolerance].missed)
    listed = wanted.errors_file is not None
    return _Result(
        pair,
        score_tracks(comparison, seg, wanted.tolerance),
        tuple(mine),
        tuple(broken(comparison)),
        tuple(missed),
        tuple(errors(comparison, reading.places, wanted.tolerance)) if listed else (),
    )


def _some(faults: Sequence[str]) -> list[str]:
    more = len(faults) - _TOLD
    return [*faults[:_TOLD], *([f"and {more} more faults"] if more > 0 else [])]


def _unpaired(
    pairing: MoviePairing, pred: Path, truth: Path, allow_missing: bool
) -> list[CytomillError]:
    if not pairing.pairs:
        raise InputError(
            pred,
            f"no movie in it has the name of one in {truth}",
            "01_RES belongs to 01_GT, a_RES and a_labels.tif to a_GT; or give two movies",
        )
    if pairing.lone_pred:
        names = ", ".join(map(str, pairing.lone_pred))
        click.echo(f"note: no truth for, not scored: {names}", err=True)
    if pairing.lone_truth and allow_missing:
        names = ", ".join(map(str, pairing.lone_truth))
        click.echo(f"note: no prediction for, left out: {names}", err=True)
        return []
    advice = "track it, or leave it out with --allow-missing"
    return [InputError(path, "has no prediction", advice) for path in pairing.lone_truth]


def _json(results: Sequence[_Result], faults: Sequence[CytomillError], wanted: Wanted) -> str:
    scores = [each.score for each in results]
    document: dict[str, Any] = {
        "border": wanted.border,
        "tolerance": wanted.tolerance,
        "movies": [_record(each) | {"warnings": list(each.faults)} for each in results],
        "mean": {"movies": len(scores)} | averaged(scores) if scores else None,
        "errors": [str(fault) for fault in faults],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _record(result: _Result) -> dict[str, Any]:
    files = {
        "movie": result.pair.name,
        "prediction_file": str(result.pair.pred),
        "truth_file": str(result.pair.truth),
        "valid": not result.faults,
    }
    return files | result.score.counts() | result.score.ratios()


_HEADING = ("movie", "kind", "frame", "y", "x", "label", "true_label")


def _listed(results: Iterable[_Result]) -> Iterable[dict[str, Any]]:
    for result in results:
        for one in result.errors:
            place = {"frame": one.frame, "y": round(one.y, 1), "x": round(one.x, 1)}
            labels = {"label": one.label or "", "true_label": one.true_label or ""}
            yield {"movie": result.pair.name, "kind": one.kind} | place | labels


def _write(
    path: Path, rows: Iterable[Mapping[str, Any]], heading: Sequence[str] | None = None
) -> None:
    every = list(rows)
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, heading or list(every[0]))
        writer.writeheader()
        writer.writerows(every)
