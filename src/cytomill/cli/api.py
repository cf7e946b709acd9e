"""``cytomill api``: the HTTP API of a kiosk."""

from __future__ import annotations

import click

from ..errors import OptionError


@click.command("api")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0: a free one.",
)
@click.option(
    "--no-token",
    "free",
    is_flag=True,
    help="Let programs on this machine in without a token; only where --host is this machine.",
)
@click.option(
    "--linger",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    help="Seconds for which it goes on serving, and says that it is not ready, when it is asked to "
    "stop.",
)
def command(host: str, port: int, free: bool, linger: float) -> None:
    """Serve the HTTP API of a kiosk, below /api/v1.

    Its queue and bucket are those of CYTOMILL_REDIS and CYTOMILL_BUCKET, see docs/settings.md.
    Prints the address and "ready". SIGTERM and Ctrl-C let it finish the requests in hand; the
    second time it ends at once.
    """
    try:
        from ..kiosk.api.serve import serve
        from ..kiosk.backend import Backend
    except ModuleNotFoundError as error:
        raise OptionError(
            f"api: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error
    from ..settings import settings

    serve(Backend.of(settings), host, port, free=free, say=click.echo, linger=linger)
