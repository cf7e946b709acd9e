"""Flags of the commands that run a pipeline on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..batch.outputs import DEFAULT_NGFF
from ..image.ngff_write import VERSIONS

F = TypeVar("F", bound=Callable[..., Any])

#: Where the results go.
out = click.option("-o", "--out", required=True, help="Folder for the results.")

#: What the axes of the inputs are.
axes = click.option(
    "--axes",
    metavar="AXES",
    help="What the axes of the inputs are, where their files say otherwise: letters of TCZYX, as "
    "many as they have, such as TYX.",
)

#: The version of OME-Zarr.
ngff = click.option(
    "--ngff",
    type=click.Choice(tuple(VERSIONS)),
    help=f"Version of OME-Zarr. Default: {DEFAULT_NGFF}.",
)

_LAST = (
    click.option(
        "--overwrite", is_flag=True, help="Redo what is done; replace files of other origin."
    ),
    click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
)


def how_to_run(command: F) -> F:
    """Add ``--overwrite``, ``--dry-run``, ``--json`` and ``--quiet``, in this order."""
    for option in reversed(_LAST):
        command = option(command)
    return command
