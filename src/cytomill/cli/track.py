"""``cytomill track``: label images that the user has, linked through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..batch.outputs import Outputs
from ..batch.run import Run
from ..batch.shard import Shard
from . import run_flags
from .options import PipelineCommand
from .run import carry_out

_PIPELINE = "link"


class _TrackCommand(PipelineCommand):
    """A command with the flags of one pipeline."""

    fixed = _PIPELINE


@click.command("track", cls=_TrackCommand)
@click.argument("labels", nargs=-1, required=True, metavar="LABELS...")
@run_flags.out
@click.option(
    "--images",
    multiple=True,
    metavar="RAW",
    help="The movie that the labels are of: its brightness helps to link, and is measured. "
    "Once for each of LABELS.",
)
@click.option("--pattern", help="Take the files of a folder that match, such as 'mask*.tif'.")
@run_flags.axes
@click.option(
    "--format",
    type=click.Choice(["tiff", "zarr"]),
    default="tiff",
    show_default=True,
    help="Tracked labels as OME-TIFF, or image and labels as OME-Zarr.",
)
@run_flags.ngff
@click.option("--shard", metavar="I/N", help="Do only the I-th of N shares of the movies.")
@click.option("--threads", type=click.IntRange(min=1), help="Movies at a time. Default: all cores.")
@run_flags.how_to_run
def command(
    labels: tuple[str, ...],
    out: str,
    images: Sequence[str],
    pattern: str | None,
    axes: str | None,
    format: Any,  # noqa: A002 - the option's name
    ngff: str | None,
    shard: str | None,
    threads: int | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Follow the cells of label images, of any segmenter, through time.

    LABELS is a movie of labels: a TIFF or OME-Zarr with T, a folder or zip of frames, a folder of
    the Cell Tracking Challenge. Each frame has a number for each cell, 0 for background; the
    numbers need not mean the same in two frames.
    """
    carry_out(
        lambda: Run(
            labels,
            out,
            pipeline=_PIPELINE,
            options={name: value for name, value in options.items() if value is not None},
            pattern=pattern,
            images=images,
            axes=axes,
            outputs=Outputs(format=format, ngff=ngff),
            shard=Shard.parse(shard) if shard else None,
            threads=threads,
            overwrite=overwrite,
        ),
        dry_run=dry_run,
        as_json=as_json,
        quiet=quiet,
    )
