"""What all commands share that ask a kiosk: which one, as whom, and what came of a job."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ..client import Client, Item, Job, Results, check_own
from ..errors import CytomillError, Interrupted, OptionError
from .meter import Meter

F = TypeVar("F", bound=Callable[..., Any])

#: States in which a job has no results, as a sentence.
_ENDS = {"failed": "failed", "cancelled": "was cancelled", "deleting": "is being deleted"}


def kiosk_options(function: F) -> F:
    """Give a command ``--server`` and ``--token``."""
    token = click.option(
        "--token",
        help="What to sign in with. Better kept in CYTOMILL_TOKEN or ~/.config/cytomill/token.",
    )
    server = click.option(
        "--server", metavar="URL", help="The kiosk, http://HOST:PORT. Default: CYTOMILL_SERVER."
    )
    return server(token(function))


@contextmanager
def asked(server: str | None, token: str | None) -> Iterator[Client]:
    """The client of a kiosk, which says on standard error when it has to wait for it."""

    def notify(told: str) -> None:
        click.echo(f"cytomill: {told}", err=True)

    with Client(server, token, notify=notify) as client:
        yield client


def follow(client: Client, job: Job, *, quiet: bool, server: str | None) -> Job:
    """Show how far the job is until it has ended. Raises `Interrupted` on Ctrl-C: it goes on."""
    try:
        with Meter("done", "images", quiet=quiet) as meter:
            for now in client.watch(job.id):
                job = now
                meter(job.done + job.failed, job.items, _note(job))
    except KeyboardInterrupt:
        raise Interrupted(f"stopped waiting; {comeback(job, server)}") from None
    except CytomillError as error:
        raise CytomillError(f"{error}; {comeback(job, server)}") from error
    return job


def comeback(job: Job, server: str | None) -> str:
    """How to come back to a job."""
    where = f" --server {server}" if server else ""
    return (
        f"job {job.id} goes on: cytomill jobs watch {job.id[:8]}{where}, then "
        f"cytomill jobs download {job.id[:8]} -o OUT{where}, or cytomill jobs cancel "
        f"{job.id[:8]}{where}"
    )


def fetch(
    client: Client,
    job: Job,
    out: str,
    *,
    formats: str | None = None,
    overwrite: bool,
    quiet: bool,
) -> Results:
    """Fetch the results of a job, in ``formats`` where some are named.

    Raises `Interrupted` on Ctrl-C: what was fetched is kept.
    """
    try:
        with Meter("fetched", "images", quiet=quiet) as meter:
            wanted = None if formats is None else formats.split(",")
            return client.download(job.id, out, formats=wanted, overwrite=overwrite, progress=meter)
    except KeyboardInterrupt:
        raise Interrupted from None


def usable(out: str | None, *, overwrite: bool) -> None:
    """Raise `OptionError` where ``out`` can be no folder of results, before anything is done."""
    if out is None:
        return
    if not out:
        raise OptionError("--out: is empty; name a folder for the results")
    if not overwrite:
        try:
            check_own(Path(out).expanduser())
        except CytomillError as error:
            raise OptionError(str(error)) from error


def finish(
    client: Client, job: Job, results: Results | None, *, as_json: bool, quiet: bool
) -> None:
    """Tell what came of a job that has ended, and leave with 1 unless all went well."""
    failed = results.failed if results else tuple(client.items(job.id, "failed"))
    for item in failed:
        click.echo(f"failed: {item.error}", err=True)
    if as_json:
        click.echo(json.dumps(summary(job, failed, results), ensure_ascii=False))
    elif not quiet:
        _say(job, results)
    if job.state != "done":
        reason = f": {job.reason}" if job.reason else ""
        raise CytomillError(f"job {job.id} {_ENDS.get(job.state, job.state)}{reason}")
    if failed:
        sys.exit(1)


def summary(job: Job, failed: tuple[Item, ...], results: Results | None) -> dict[str, Any]:
    """What came of a job, as JSON."""
    return {
        "job": job.id,
        "state": job.state,
        "reason": job.reason,
        "done": job.done,
        "failed": [{"input": item.name, "error": item.error} for item in failed],
        "notes": notes(results) if results else [],
        "objects": job.objects,
        "seconds": round(max(0.0, job.finished - job.created), 3),
        "out": str(results.out) if results else None,
        "manifest": str(results.manifest) if results and results.manifest else None,
        "tables": [str(path) for path in results.tables] if results else [],
    }


def notes(results: Results) -> list[dict[str, str]]:
    """What one should know of how items were done, as JSON."""
    return [{"input": one.name, "note": note} for one in results.noted for note in one.notes]


def say_notes(results: Results) -> None:
    """The same, a line each."""
    for told in notes(results):
        click.echo(f"note: {told['input']}: {told['note']}")


def _say(job: Job, results: Results | None) -> None:
    seconds = max(0.0, job.finished - job.created)
    failed = f", {job.failed} failed" if job.failed else ""
    click.echo(f"{job.done} done in {seconds:.1f} s{failed}; {job.objects:,} objects")
    if results is None:
        return
    say_notes(results)
    click.echo(f"{'results':9} {results.out}")
    for table in results.tables:
        click.echo(f"{'table':9} {table}")
    if results.manifest is not None:
        click.echo(f"{'manifest':9} {results.manifest}")


def _note(job: Job) -> str:
    """What else there is to say of a job while it goes on."""
    told = [f"{job.failed} failed"] if job.failed else []
    if job.state == "paused":
        told.append(f"paused: {job.reason}" if job.reason else "paused")
    elif job.position and not job.started:
        told.append(f"{job.position} jobs before it")
    elif job.waits:
        told.append(job.waits)
    elif not job.sealed:
        told.append("looking for images")
    return ", ".join(told)
