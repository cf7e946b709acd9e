"""``cytomill serve``: a whole kiosk on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import OptionError
from ..settings import settings


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=settings.kiosk,
    show_default=True,
    help="Folder of the queue, uploads, results and logs.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0: a free one.",
)
@click.option("--no-token", is_flag=True, help="Ask nobody for a token; only on this machine.")
@click.option("--consumers", type=click.IntRange(min=1), help="Their number.  [default: 1]")
@click.option(
    "--max-consumers",
    metavar="auto|N",
    help="At most so many, and a model server, as there is work for: none where there is nothing "
    "to do. auto: as many as this machine can feed.",
)
@click.option(
    "--idle",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="With --max-consumers, how long they are kept when there is nothing to do.  [default: 60]",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Images at once, of each. Default: all cores."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the models run.",
)
@click.option("--in-process", is_flag=True, help="Run models in the consumers: no model server.")
@click.option("--open", "browser", is_flag=True, help="Open the page in a browser.")
def command(
    data: Path,
    host: str,
    port: int,
    no_token: bool,
    consumers: int | None,
    max_consumers: str | None,
    idle: float | None,
    threads: int | None,
    device: str,
    in_process: bool,
    browser: bool,
) -> None:
    """Run a whole kiosk on this machine: queue, models, consumers, the HTTP API and its page.

    Prints its address, the first time a token, and "ready" once jobs can be processed. What dies
    is started again. SIGTERM and Ctrl-C let it finish what is in hand; the second time it ends at
    once. Nothing is lost either way: started again on the same folder it carries on.
    """
    try:
        from ..kiosk.serve import Plan, serve
    except ModuleNotFoundError as error:
        raise OptionError(
            f"serve: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error
    from ..settings import settings

    if consumers is not None and max_consumers is not None:
        raise OptionError("--consumers and --max-consumers: give one of them")
    if idle is not None and max_consumers is None:
        raise OptionError("--idle: goes with --max-consumers; give that too")
    plan = Plan(
        data=data,
        host=host,
        port=port,
        free=no_token,
        consumers=consumers or 1,
        threads=threads,
        device=device,
        in_process=in_process,
        browser=browser,
        most=max_consumers,
        idle=idle or 60.0,
    )
    serve(plan, settings, click.echo, lambda line: click.echo(f"cytomill: {line}", err=True))
