"""``cytomill run``: a pipeline over images on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

import click

from ..batch.outputs import Outputs
from ..batch.report import Report
from ..batch.run import Run
from ..batch.shard import Shard
from ..errors import CytomillError, OptionError
from ..pipelines.registry import DEFAULT, OF_MODELS, chosen
from ..signals import asked_to_stop
from . import run_flags
from .options import PipelineCommand
from .progress import reporter


@click.command("run", cls=PipelineCommand)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@run_flags.out
@click.option(
    "-p", "--pipeline", help=f"The analysis. Default: {DEFAULT}, or {OF_MODELS} with --model."
)
@click.option("--pattern", help="Take the files of a folder that match, such as '*_DAPI.tif'.")
@click.option("--split", help="Take the images of this split of a dataset file, such as test.")
@run_flags.axes
@click.option(
    "--format",
    type=click.Choice(["tiff", "zarr"]),
    default="tiff",
    show_default=True,
    help="Labels as OME-TIFF, or image and labels as OME-Zarr.",
)
@run_flags.ngff
@click.option("--overlay", is_flag=True, help="Also draw the outlines over the image, as PNG.")
@click.option("--geojson", is_flag=True, help="Also write the outlines for QuPath.")
@click.option("--shard", metavar="I/N", help="Do only the I-th of N shares of the images.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the model runs.",
)
@click.option(
    "--model-server",
    metavar="URL",
    help="Run the model on the server at grpc://HOST:PORT.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Images at a time. Default: all cores.")
@run_flags.how_to_run
def command(
    inputs: tuple[str, ...],
    out: str,
    pipeline: str | None,
    pattern: str | None,
    split: str | None,
    axes: str | None,
    format: Any,  # noqa: A002 - the option's name
    ngff: str | None,
    overlay: bool,
    geojson: bool,
    shard: str | None,
    device: Any,
    model_server: str | None,
    threads: int | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a pipeline over images.

    INPUT is a file (TIFF, OME-TIFF, OME-Zarr, PNG, JPEG), a folder, a glob, a zip, or a DeepHealth
    dataset file. What an earlier run into the same folder has done is not done again.
    """
    carry_out(
        lambda: Run(
            inputs,
            out,
            pipeline=chosen(pipeline, options),
            options={name: value for name, value in options.items() if value is not None},
            pattern=pattern,
            split=split,
            axes=axes,
            outputs=Outputs(format=format, overlay=overlay, geojson=geojson, ngff=ngff),
            shard=Shard.parse(shard) if shard else None,
            device=device,
            model_server=model_server,
            threads=threads,
            overwrite=overwrite,
        ),
        dry_run=dry_run,
        as_json=as_json,
        quiet=quiet,
    )


def carry_out(make: Callable[[], Run], *, dry_run: bool, as_json: bool, quiet: bool) -> None:
    """Plan a run or do it, and say so; ends the program with 1 where an input failed."""
    try:
        run = make()
        if dry_run:
            _say_plan(run, as_json)
            return
    except CytomillError as error:
        raise _AtOnceError(error) from error
    with asked_to_stop(_interrupt), reporter(quiet) as progress:
        try:
            report = run.go(progress)
        except CytomillError as error:
            raise error if run.begun else _AtOnceError(error) from error
    if as_json:
        click.echo(json.dumps(_summary(report), ensure_ascii=False))
    elif not quiet:
        _say(report, run)
    if report.failed:
        sys.exit(1)


class _AtOnceError(OptionError):
    """What stopped the whole run before any work: the exit code is that of wrong usage."""

    def __init__(self, error: CytomillError) -> None:
        super().__init__(str(error))


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def _say_plan(run: Run, as_json: bool) -> None:
    plans = run.plan()
    if as_json:
        told = [{"input": p.entry.name, "outputs": run.names(p), "done": p.done} for p in plans]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for plan in plans:
        what = "skip (done)" if plan.done else ", ".join(run.names(plan))
        click.echo(f"{plan.entry.name} -> {what}")
    todo = sum(not plan.done for plan in plans)
    click.echo(f"{len(plans)} inputs, {todo} to do; nothing was done (--dry-run)")


def _summary(report: Report) -> dict[str, Any]:
    return {
        "done": report.done,
        "skipped": len(report.skipped),
        "failed": [{"input": r.input, "error": r.error} for r in report.failed],
        "notes": [{"input": r.input, "note": note} for r in report.records for note in r.notes],
        "objects": report.objects,
        "seconds": round(report.seconds, 3),
        "wire_bytes": report.wire_bytes,
        "manifest": str(report.manifest),
        "tables": [str(path) for path in report.tables],
        "inputs": [
            {k: v for k, v in asdict(r).items() if k in ("input", "status", "objects", "outputs")}
            for r in report.records
        ],
    }


def _say(report: Report, run: Run) -> None:
    fresh = report.done - len(report.skipped)
    rate = fresh / report.seconds if report.seconds else 0
    told = [f"{fresh} done in {report.seconds:.1f} s ({rate:.1f} images/s)"]
    if report.skipped:
        told.append(f"{len(report.skipped)} done before")
    if report.failed:
        told.append(f"{len(report.failed)} failed")
    click.echo(f"{', '.join(told)}; {report.objects:,} objects")
    for record in report.records:
        for note in record.notes:
            click.echo(f"note: {record.input}: {note}")
    written: dict[str, list[str]] = {}
    # The end of a map's name may be the whole of the end of the labels'.
    ends = sorted(run.outputs.ends(run.pipeline.products).items(), key=lambda end: -len(end[0]))
    for record in report.records:
        for name in record.outputs if record.status == "done" else ():
            kind = next(kind for end, kind in ends if name.endswith(end))
            written.setdefault(kind, []).append(name)
    for kind in ("labels", "maps", "arrays", "files", "overlays", "outlines"):
        if of_kind := written.get(kind):
            more = f" and {len(of_kind) - 1} more" if len(of_kind) > 1 else ""
            click.echo(f"{kind:9} {run.out / of_kind[0]}{more}")
    for table in report.tables:
        click.echo(f"{'table':9} {table}")
    click.echo(f"{'manifest':9} {report.manifest}")
