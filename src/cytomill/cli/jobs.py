"""``cytomill jobs``: one's own jobs on a kiosk."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import click

from ..client import Client, Job
from ..errors import Interrupted
from .asked import asked, fetch, finish, follow, kiosk_options, notes, say_notes, usable
from .meter import clock

#: Letters of an id in tables: enough to be the only one of a user's thousands.
_SHORT = 8

#: Failed images that ``show`` tells.
_FAILED = 20

_IDS = click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
_ID = click.argument("job", metavar="JOB")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group("jobs")
def command() -> None:
    """List, show, watch, change, download and delete your jobs on a kiosk.

    JOB is the id of a job, or as much of its beginning as no other has, or "last" for the one
    submitted last.
    """


@command.command("list")
@kiosk_options
@click.option("--state", help="Only those in this state, such as running or done.")
@click.option("--pipeline", "-p", help="Only those of this pipeline.")
@click.option("--name", help="Only those with this in their name.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most."
)
@_JSON
def list_jobs(
    server: str | None,
    token: str | None,
    state: str | None,
    pipeline: str | None,
    name: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List your jobs, newest first."""
    with asked(server, token) as client:
        jobs = client.jobs(state=state, pipeline=pipeline, name=name, limit=limit)
    if as_json:
        click.echo(json.dumps([asdict(job) for job in jobs], ensure_ascii=False))
        return
    rows = [
        (
            job.id[:_SHORT],
            job.state,
            f"{job.done}/{job.items}",
            str(job.failed) if job.failed else "",
            job.pipeline,
            _age(job.created),
            job.name,
        )
        for job in jobs
    ]
    for line in table(("job", "state", "done", "failed", "pipeline", "age", "name"), rows):
        click.echo(line)


@command.command("show")
@kiosk_options
@_ID
@_JSON
def show(server: str | None, token: str | None, job: str, as_json: bool) -> None:
    """Show a job, and why images of it failed."""
    with asked(server, token) as client:
        found = client.find(job)
        failed = []
        for item in client.items(found.id, "failed") if found.failed else ():
            failed.append(item)
            if len(failed) == _FAILED and not as_json:
                break
    if as_json:
        faults = [{"input": item.name, "error": item.error} for item in failed]
        click.echo(json.dumps({**asdict(found), "failures": faults}, ensure_ascii=False))
        return
    for name, value in _described(found):
        click.echo(f"{name:10}{value}")
    for item in failed:
        click.echo(f"failed: {item.error}")
    if found.failed > len(failed):
        click.echo(f"and {found.failed - len(failed)} more; --json tells them all")


@command.command("watch")
@kiosk_options
@_ID
@_JSON
def watch(server: str | None, token: str | None, job: str, as_json: bool) -> None:
    """Watch a job until it has ended; Ctrl-C leaves it alone.

    With --json every change is a line.
    """
    with asked(server, token) as client:
        found = client.find(job)
        if as_json:
            try:
                for now in client.watch(found.id):
                    click.echo(json.dumps(asdict(now), ensure_ascii=False))
                    found = now
            except KeyboardInterrupt:
                raise Interrupted("stopped watching; the job goes on") from None
            # All has been told: what remains is how to leave.
            finish(client, found, None, as_json=False, quiet=True)
            return
        ended = follow(client, found, quiet=False, server=server)
        finish(client, ended, None, as_json=False, quiet=False)


def _changing(name: str, told: str, change: Callable[[Client, str], Job]) -> None:
    """Add a command that changes jobs."""

    def run(server: str | None, token: str | None, jobs: Sequence[str], as_json: bool) -> None:
        with asked(server, token) as client:
            # All are looked up first: a misspelt one must not leave half of it done.
            changed = [change(client, job.id) for job in [client.find(one) for one in jobs]]
        if as_json:
            click.echo(json.dumps([asdict(job) for job in changed], ensure_ascii=False))
            return
        for job in changed:
            pinned = ", pinned" if job.pinned else ""
            click.echo(f"{job.id[:_SHORT]}  {job.state}{pinned}")

    run.__doc__ = told
    command.command(name)(kiosk_options(_IDS(_JSON(run))))


_changing("cancel", "Stop jobs for good; what is done stays.", Client.cancel)
_changing("pause", "Begin nothing more of jobs.", Client.pause)
_changing("resume", "Go on with paused jobs.", Client.resume)
_changing("retry", "Try the failed images of jobs again.", Client.retry)
_changing("pin", "Keep jobs for ever.", Client.pin)
_changing("unpin", "Let jobs expire.", lambda client, job: client.pin(job, False))


@command.command("download")
@kiosk_options
@_ID
@click.option("-o", "--out", required=True, help="Folder for the results.")
@click.option(
    "--formats",
    metavar="NAMES",
    help="In these formats, with commas, such as zarr,csv; one that the job has not names those "
    "there are. Default: as they are stored.",
)
@click.option("--overwrite", is_flag=True, help="Also into a folder that holds other files.")
@_JSON
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def download(
    server: str | None,
    token: str | None,
    job: str,
    out: str,
    formats: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fetch the results of a job, or what there is of them.

    What an earlier command fetched of them is not fetched again.
    """
    usable(out, overwrite=overwrite)
    with asked(server, token) as client:
        results = fetch(
            client, client.find(job), out, formats=formats, overwrite=overwrite, quiet=quiet
        )
    if as_json:
        told = {
            "job": results.job.id,
            "state": results.job.state,
            "out": str(results.out),
            "fetched": results.fetched,
            "kept": results.kept,
            "notes": notes(results),
            "faults": [str(path) for path in results.faults],
            "manifest": str(results.manifest) if results.manifest else None,
            "tables": [str(path) for path in results.tables],
        }
        click.echo(json.dumps(told, ensure_ascii=False))
    elif not quiet:
        kept = f", {results.kept} were there" if results.kept else ""
        click.echo(f"{results.fetched} files fetched to {results.out}{kept}")
        say_notes(results)
    if results.faults:
        more = f" and {len(results.faults) - 1} more" if len(results.faults) > 1 else ""
        click.echo(f"some could not be made; see {results.faults[0]}{more}", err=True)
        sys.exit(1)


@command.command("share")
@kiosk_options
@_ID
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True, max=90),
    default=7,
    show_default=True,
    help="How long the link is good, at most: it ends with the job.",
)
@_JSON
def share(server: str | None, token: str | None, job: str, days: float, as_json: bool) -> None:
    """Make a link for a colleague, who sees this job and fetches its results, and nothing else."""
    with asked(server, token) as client:
        made = client.share(client.find(job).id, days=days)
    if as_json:
        click.echo(json.dumps(asdict(made)))
        return
    click.echo(made.url)
    click.echo(f"good until {_when(made.expires)}; not shown again", err=True)


@command.command("delete")
@kiosk_options
@_IDS
@_JSON
def delete(server: str | None, token: str | None, jobs: Sequence[str], as_json: bool) -> None:
    """Delete jobs with their results; those that have not ended are stopped first."""
    with asked(server, token) as client:
        found = [client.find(one) for one in jobs]
        for job in found:
            client.delete(job.id)
    if as_json:
        click.echo(json.dumps([job.id for job in found]))
        return
    for job in found:
        click.echo(f"{job.id[:_SHORT]}  deleted")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, its columns as wide as need be."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _described(job: Job) -> list[tuple[str, Any]]:
    """What is said of a job, in order; what is empty is left out."""
    options = ", ".join(f"{name}={value}" for name, value in job.options.items())
    outputs = ", ".join(f"{name}={value}" for name, value in job.outputs.items() if value)
    ended = [f"{job.done} done"] + ([f"{job.failed} failed"] if job.failed else [])
    rows = [
        ("job", job.id),
        ("name", job.name),
        ("state", f"{job.state}: {job.reason}" if job.reason else job.state),
        ("waits", (job.waits or "").removeprefix("waits ")),
        ("pipeline", f"{job.pipeline} {options}".strip()),
        ("outputs", outputs),
        ("images", f"{job.items}{'' if job.sealed else ' so far'}, {', '.join(ended)}"),
        ("objects", f"{job.objects:,}"),
        ("priority", job.priority if job.priority != "normal" else ""),
        ("before it", f"{job.position} jobs" if job.position and not job.started else ""),
        ("rate", f"{job.rate:.1f} images/s" if job.rate and not job.ended else ""),
        ("left", clock(job.eta) if job.eta and not job.ended else ""),
        ("submitted", _when(job.created)),
        ("ended", _when(job.finished)),
        ("expires", "never: pinned" if job.pinned else _when(job.expires)),
    ]
    return [(name, value) for name, value in rows if value]


def _when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment)) if moment else ""


def _age(moment: float) -> str:
    """How long ago a moment was, in its largest unit."""
    seconds = max(0.0, time.time() - moment)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
