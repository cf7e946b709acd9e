"""``cytomill submit``: a pipeline over images, done by a kiosk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pydantic

from ..client import Client, Job, Stored
from ..errors import CytomillError, Interrupted, OptionError
from ..image.correction import named_axes
from ..pipelines.registry import DEFAULT, OF_MODELS, chosen, find, names
from . import run_flags
from .asked import asked, comeback, fetch, finish, follow, kiosk_options, usable
from .meter import Meter
from .options import PipelineCommand, flags


class _SubmitCommand(PipelineCommand):
    """Takes pipelines that only the kiosk has: their options are given by ``--option``."""

    def flags(self, pipeline: str) -> list[click.Option]:
        """The flags of a pipeline that this machine has too."""
        return flags(pipeline) if pipeline in names() else []


@click.command("submit", cls=_SubmitCommand)
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@kiosk_options
@click.option(
    "-p", "--pipeline", help=f"The analysis. Default: {DEFAULT}, or {OF_MODELS} with --model."
)
@click.option(
    "--option",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of a pipeline that only the kiosk has. May be given several times.",
)
@click.option("--pattern", help="Take the files of a folder that match, such as '*_DAPI.tif'.")
@run_flags.axes
@click.option("--source", help="Take images that the kiosk has: the name of one of its sources.")
@click.option("--prefix", help="The folder of the source. Default: all of it.")
@click.option("--name", help="What to call the job. Default: the name of the first input.")
@click.option(
    "--priority",
    type=click.Choice(["high", "normal", "low"]),
    default="normal",
    show_default=True,
    help="Which of your own jobs come first.",
)
@click.option(
    "--format",
    type=click.Choice(["tiff", "zarr"]),
    default="tiff",
    show_default=True,
    help="Labels as OME-TIFF, or image and labels as OME-Zarr.",
)
@click.option(
    "--ngff", type=click.Choice(["0.4", "0.5"]), help="Version of OME-Zarr. Default: 0.4."
)
@click.option("--overlay", is_flag=True, help="Also draw the outlines over the image, as PNG.")
@click.option("--geojson", is_flag=True, help="Also write the outlines for QuPath.")
@click.option("--wait", is_flag=True, help="Wait until the job has ended.")
@click.option("-o", "--out", help="Wait, and fetch the results into this folder.")
@click.option("--overwrite", is_flag=True, help="Also into a folder that holds other files.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print the job's id and errors only.")
def command(
    inputs: tuple[str, ...],
    server: str | None,
    token: str | None,
    pipeline: str | None,
    given: tuple[str, ...],
    pattern: str | None,
    axes: str | None,
    source: str | None,
    prefix: str | None,
    name: str | None,
    priority: Any,
    format: Any,  # noqa: A002 - the option's name
    ngff: str | None,
    overlay: bool,
    geojson: bool,
    wait: bool,
    out: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Submit a job to a kiosk.

    INPUT is a file (TIFF, OME-TIFF, OME-Zarr, PNG, JPEG), a folder, a glob or a zip, which are
    sent; or give --source. What an earlier command has sent of them is not sent again.
    """
    wanted = _options(options, given)
    if axes is not None:
        named_axes(axes)  # before anything is sent
    chose = chosen(pipeline, wanted)
    if bool(inputs) == (source is not None):
        raise OptionError("give INPUT to send, or --source for what the kiosk has")
    if prefix is not None and source is None:
        raise OptionError("--prefix: is a folder of a source; give --source too")
    if overwrite and out is None:
        raise OptionError("--overwrite: is about the folder of results; give -o too")
    usable(out, overwrite=overwrite)
    _check(chose, wanted)
    with asked(server, token) as client:
        try:
            movies = _check_there(client, chose, wanted)
            if source is not None:
                stored = [Stored(source=source, prefix=prefix or "", pattern=pattern or "")]
            else:
                stored = _send(client, inputs, pattern, out, movies=movies, quiet=quiet)
            job = client.submit(
                stored,
                pipeline=chose,
                axes=axes,
                name=_named(inputs, source, prefix) if name is None else name,
                priority=priority,
                format=format,
                ngff=ngff,
                overlay=overlay,
                geojson=geojson,
                options=wanted,
            )
        except Interrupted:
            raise
        except CytomillError as error:  # nothing was begun: the exit code is that of wrong usage
            raise OptionError(str(error)) from error
        if not wait and out is None:
            _tell(job, server, as_json=as_json, quiet=quiet)
            return
        if not as_json:
            click.echo(job.id)
        ended = follow(client, job, quiet=quiet, server=server)
        fetched = None
        if out is not None and ended.state == "done":
            fetched = fetch(client, ended, out, overwrite=overwrite, quiet=quiet)
        finish(client, ended, fetched, as_json=as_json, quiet=quiet)


def _options(flagged: Mapping[str, Any], given: Sequence[str]) -> dict[str, Any]:
    """The pipeline's options, from its flags and from ``--option NAME=VALUE``."""
    wanted = {name: value for name, value in flagged.items() if value is not None}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name.isidentifier():
            raise OptionError(f"--option {one!r}: write NAME=VALUE, such as radius=3")
        if name in wanted:
            raise OptionError(f"--option {one!r}: {name} is given twice")
        try:
            wanted[name] = json.loads(text)
        except ValueError:
            wanted[name] = text
    return wanted


def _check(pipeline: str, options: Mapping[str, Any]) -> None:
    """Raise `OptionError` for values that cannot be, before anything is sent."""
    if pipeline not in names():
        return
    try:
        find(pipeline).Options(**options)
    except pydantic.ValidationError as error:
        for fault in error.errors():
            # The kiosk's own version of the pipeline may have others.
            if fault["type"] != "extra_forbidden":
                where = ".".join(str(part) for part in fault["loc"])
                raise OptionError(f"{pipeline}: option {where}: {fault['msg'].lower()}") from None


def _check_there(client: Client, pipeline: str, options: Mapping[str, Any]) -> bool:
    """Raise `OptionError` for options that the kiosk does not know, before anything is sent.

    Returns whether the pipeline's inputs are movies.
    """
    there = [one["name"] for one in client.pipelines()]
    if pipeline not in there:
        raise OptionError(f"the kiosk has no pipeline {pipeline!r}; it has: {', '.join(there)}")
    about = client.pipeline(pipeline)
    known = about["options"].get("properties", {})
    for name in options:
        if name not in known:
            raise OptionError(
                f"{pipeline} has no option {name!r} there; its options are: {', '.join(known)}"
            )
    return bool(about.get("movies"))


def _send(
    client: Client,
    inputs: Sequence[str],
    pattern: str | None,
    out: str | None,
    *,
    movies: bool,
    quiet: bool,
) -> list[Stored]:
    try:
        with Meter("sent", "B", quiet=quiet) as meter:
            return client.upload(
                inputs, pattern=pattern, exclude=out, movies=movies, progress=meter
            )
    except KeyboardInterrupt:
        raise Interrupted from None


def _named(inputs: Sequence[str], source: str | None, prefix: str | None) -> str:
    if source is not None:
        return f"{source}/{prefix or ''}".rstrip("/")
    first = Path(inputs[0]).name or Path(inputs[0]).resolve().name
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    return f"{first[:150]}{more}"


def _tell(job: Job, server: str | None, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(json.dumps({"job": job.id, "state": job.state}))
        return
    click.echo(job.id)
    if not quiet:
        click.echo(comeback(job, server), err=True)
