"""``cytomill evaluate``: how good are labels, measured against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CytomillError, InputError, OptionError, PermanentError

if TYPE_CHECKING:
    from ..ops.score import Score
    from .pairs import Pair, Pairing

#: Images on the picture where --worst is not given: what fits a screen or two.
_WORST = 4

#: The intersection over union at which objects match where --threshold is not given.
_IOU = 0.5

#: Frames between a predicted and a true division where --tolerance is not given: what the Cell
#: Tracking Challenge allows for Fluo-N2DL-HeLa.
_TOLERANCE = 1


@dataclass(frozen=True, slots=True)
class _Result:
    pair: Pair
    score: Score
    warnings: tuple[str, ...] = ()


_EXISTING = click.Path(exists=True, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("evaluate")
@click.argument("pred", type=_EXISTING)
@click.argument("truth", type=_EXISTING)
@click.option("--pattern", metavar="GLOB", help="Only truth files whose path or name fits this.")
@click.option(
    "--threshold",
    type=float,
    metavar="IOU",
    help=f"Objects match at this intersection over union or above.  [default: {_IOU}]",
)
@click.option("--allow-missing", is_flag=True, help="Leave out truth that has no prediction.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
@click.option(
    "--csv",
    "csv_file",
    type=_FILE,
    metavar="FILE",
    help="Also write every measure of every image to this file.",
)
@click.option(
    "--picture",
    type=_FILE,
    metavar="FILE.png",
    help="Also draw the worst images: truth and prediction side by side.",
)
@click.option(
    "--worst",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"How many images the picture shows.  [default: {_WORST}]",
)
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER",
    help="The microscope's images, to draw on in the picture.",
)
@click.option("--tracks", is_flag=True, help="Score tracked movies: links and divisions too.")
@click.option(
    "--border",
    type=click.IntRange(min=0),
    metavar="PIXELS",
    help="With --tracks: leave out cells that lie wholly this near to the edge.  [default: 0]",
)
@click.option(
    "--tolerance",
    type=int,
    metavar="FRAMES",
    help="With --tracks: a division so much early or late is found too, 0 to 3."
    f"  [default: {_TOLERANCE}]",
)
@click.option(
    "--errors",
    type=_FILE,
    metavar="FILE.csv",
    help="With --tracks: write where every error is to this file.",
)
def command(
    pred: Path,
    truth: Path,
    pattern: str | None,
    threshold: float | None,
    allow_missing: bool,
    as_json: bool,
    csv_file: Path | None,
    picture: Path | None,
    worst: int | None,
    images: Path | None,
    tracks: bool,
    border: int | None,
    tolerance: int | None,
    errors: Path | None,
) -> None:
    """Score the labels in PRED against those in TRUTH.

    Each is a file or a folder. Files of folders are paired by name: a_labels.tif belongs to a.tif,
    a.png, a_labels.tif or a_masks.tif, in the same sub-folder. TIFF, PNG and OME-Zarr are read.

    The table has a row per image, one for all objects pooled, and one for the mean over images.

    With --tracks each is a tracked movie, or a folder of some: a folder of the Cell Tracking
    Challenge (01_RES, 01_GT), a_labels.tif with a_lineage.json beside it, or a .trk archive.
    """
    if tracks:
        _refuse(
            "is not for tracks (--tracks)",
            {
                "--pattern": pattern,
                "--threshold": threshold,
                "--picture": picture,
                "--worst": worst,
                "--images": images,
            },
        )
        from .evaluate_tracks import Wanted, evaluate

        told = _TOLERANCE if tolerance is None else tolerance
        wanted = Wanted(border or 0, told, allow_missing, as_json, csv_file, errors)
        _finish(*evaluate(pred, truth, wanted))
        return
    _refuse(
        "is about tracks; give --tracks too",
        {"--border": border, "--tolerance": tolerance, "--errors": errors},
    )
    threshold = _IOU if threshold is None else threshold
    if not 0 < threshold <= 1:
        raise OptionError(f"--threshold {threshold}: must be above 0 and at most 1")
    if picture is None and (worst is not None or images is not None):
        raise OptionError("--worst and --images are about the picture; give --picture FILE.png too")
    if picture is not None and picture.suffix.lower() != ".png":
        raise OptionError(f"--picture {picture}: the name must end in .png")

    from .pairs import pair_up

    pairing = pair_up(pred, truth, pattern)
    faults = _unpaired(pairing, pred, truth, allow_missing)
    results: list[_Result] = []
    for pair in pairing.pairs:
        try:
            results.append(_scored(pair, threshold))
        except InputError as fault:
            faults.append(fault)
    for result in results:
        for warning in result.warnings:
            click.echo(f"warning: {warning}", err=True)

    if as_json:
        click.echo(_json(results, faults, threshold))
    elif results:
        from .score_table import table

        click.echo(table([(each.pair.name, each.score) for each in results], threshold))
    if results and csv_file is not None:
        _write_csv(csv_file, results)
    if results and picture is not None:
        try:
            _write_picture(picture, results, worst or _WORST, images, threshold)
        except InputError as fault:
            faults.append(fault)
    _finish(faults, len(results))


def _refuse(why: str, options: Mapping[str, object]) -> None:
    """Raise `OptionError` for the first of ``options`` that was given."""
    for name, value in options.items():
        if value is not None:
            raise OptionError(f"{name} {value}: {why}")


def _unpaired(
    pairing: Pairing, pred: Path, truth: Path, allow_missing: bool
) -> list[CytomillError]:
    faults: list[CytomillError] = list(pairing.doubts)
    if not pairing.pairs and not faults:
        raise InputError(
            pred,
            f"nothing in it has the name of a truth in {truth}",
            "a_labels.tif belongs to a.tif, a.png, a_labels.tif or a_masks.tif; or give two files",
        )
    if pairing.lone_pred:
        click.echo(f"note: no truth for, not scored: {_some(pairing.lone_pred)}", err=True)
    if pairing.lone_truth and allow_missing:
        click.echo(f"note: no prediction for, left out: {_some(pairing.lone_truth)}", err=True)
    elif not allow_missing:
        advice = "predict it, or leave it out with --allow-missing"
        faults += [InputError(path, "has no prediction", advice) for path in pairing.lone_truth]
    return faults


def _some(paths: Sequence[Path]) -> str:
    shown = ", ".join(str(path) for path in paths[:3])
    return shown + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _scored(pair: Pair, threshold: float) -> _Result:
    from ..ops.score import score_overlaps
    from .labels import compare, open_labels, pieces

    warnings: list[str] = []
    with open_labels(pair.pred) as pred, open_labels(pair.truth) as truth:
        table = compare(pred, truth)
        for labels, ids in ((pred, table.pred_ids), (truth, table.truth_ids)):
            if ids.tolist() in ([1], [255]) and pieces(labels) > 1:
                warnings.append(
                    f"{labels.path}: one id in several pieces looks like a mask, not labels; it is"
                    " scored as one object; give each object a number of its own"
                )
    return _Result(pair, score_overlaps(table, threshold), tuple(warnings))


def _json(results: Sequence[_Result], faults: Sequence[CytomillError], threshold: float) -> str:
    import json

    from ..ops.score import averaged, pooled

    scores = [each.score for each in results]
    whole = pooled(scores) if scores else None
    document: dict[str, Any] = {
        "threshold": threshold,
        "images": [_record(each) | {"warnings": list(each.warnings)} for each in results],
        "pooled": whole and {"images": len(scores)} | whole.counts() | whole.ratios(),
        "mean": {"images": len(scores)} | averaged(scores) if scores else None,
        "errors": [str(fault) for fault in faults],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _record(result: _Result) -> dict[str, Any]:
    pair, score = result.pair, result.score
    files = {
        "image": pair.name,
        "prediction_file": str(pair.pred),
        "truth_file": str(pair.truth),
    }
    return files | score.counts() | score.ratios()


def _write_csv(path: Path, results: Sequence[_Result]) -> None:
    import csv

    from ..image.atomic import replacing

    rows = [_record(each) for each in results]
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_picture(
    path: Path, results: Sequence[_Result], worst: int, images: Path | None, threshold: float
) -> None:
    from PIL import Image

    from ..image.atomic import replacing
    from .pairs import raw_images
    from .worst import Case, draw_sheet

    shown = sorted(
        results, key=lambda each: (each.score.chosen.ap, -each.score.chosen.fn, each.pair.name)
    )[:worst]
    raw = raw_images(images, [each.pair for each in shown]) if images is not None else {}
    if images is not None and len(raw) < len(shown):
        bare = [Path(each.pair.name) for each in shown if each.pair.name not in raw]
        click.echo(f"note: no image in {images} has the name of {_some(bare)}", err=True)
    cases = [
        Case(
            each.pair.name,
            _figures(each.score),
            each.pair.pred,
            each.pair.truth,
            raw.get(each.pair.name),
        )
        for each in shown
    ]
    sheet = Image.fromarray(draw_sheet(cases, threshold))
    with replacing(path) as partial:
        sheet.save(partial, format="PNG")


def _figures(score: Score) -> str:
    counts = score.counts()
    parts = [f"AP {score.chosen.ap:.3f}", f"F1 {score.chosen.f1:.3f}"]
    names = ("truth", "predicted", "matched", "missed", "spurious", "splits", "merges")
    return "     ".join(parts + [f"{name} {counts[name]}" for name in names])


def _finish(faults: Sequence[CytomillError], scored: int) -> None:
    if len(faults) == 1 and not scored:
        raise faults[0]
    for fault in faults:
        click.echo(f"failed: {fault}", err=True)
    if faults:
        raise PermanentError(f"{scored} scored, {len(faults)} failed: see the lines above")
