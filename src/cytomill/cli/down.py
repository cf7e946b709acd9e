"""``cytomill down``: stops a kiosk whose workers are jobs of a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import OptionError
from ..settings import settings


@click.group("down")
def command() -> None:
    """Stop a kiosk whose workers come and go on a cluster."""


@command.command("slurm")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=settings.kiosk,
    show_default=True,
    help="Folder of the kiosk.",
)
def slurm(data: Path) -> None:
    """Stop the kiosk of a folder, wherever it runs, and end all its jobs and no others.

    Workers finish what they have in hand, or give it back. Of a kiosk that was killed, the jobs
    that it left are ended.
    """
    try:
        from ..kiosk.slurm.down import down
    except ModuleNotFoundError as error:
        raise OptionError(
            f"down: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error

    down(data.expanduser().absolute(), click.echo)
