"""``cytomill consumer``: takes tasks from the queue of a kiosk and does them."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import click

from ..errors import OptionError
from ..signals import asked_to_stop


@click.command("consumer")
@click.option("--threads", type=click.IntRange(min=1), help="Tasks at a time. Default: all cores.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where models run, without a model server.",
)
@click.option(
    "--model-server",
    metavar="URL",
    help="Run models on the server at grpc://HOST:PORT, on all of a name, grpc+dns://HOST:PORT, or "
    "on those that are announced, queue. Default: CYTOMILL_MODEL_SERVER.",
)
@click.option(
    "--pipeline",
    "pipelines",
    multiple=True,
    metavar="NAME",
    help="Do only jobs of this pipeline; may be given several times. Default: all there are.",
)
@click.option("--name", help="What the queue calls it: no two at a time may have the same.")
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=20,
    show_default=True,
    help="Seconds to finish what is in hand when it is asked to stop.",
)
@click.option(
    "--lifetime",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Finish what is in hand and end before so many seconds have passed. Default: never.",
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Answer GET /live, /ready and /metrics at this port of all networks; 0: a free one.",
)
def command(
    threads: int | None,
    device: Any,
    model_server: str | None,
    pipelines: tuple[str, ...],
    name: str | None,
    drain: float,
    lifetime: float | None,
    health_port: int | None,
) -> None:
    """Take tasks from the queue of a kiosk and do them.

    Queue and bucket are those of CYTOMILL_REDIS and CYTOMILL_BUCKET, see docs/settings.md. Prints
    a line when it is ready. SIGTERM and Ctrl-C let it finish what it has in hand, for up to --drain
    seconds; what is left is done by others.
    """
    try:
        from ..kiosk.backend import Backend
        from ..kiosk.consumer import Consumer
        from ..kiosk.consumer_health import ConsumerHealth
        from ..kiosk.health import answering
    except ModuleNotFoundError as error:
        raise OptionError(
            f"consumer: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error
    from ..settings import settings

    consumer = Consumer(
        Backend.of(settings),
        threads=threads,
        device=device,
        model_server=model_server or settings.model_server or None,
        pipelines=pipelines or None,
        name=name,
        drain=drain,
        lifetime=lifetime,
        say=lambda line: click.echo(line, err=True),
    )
    stop = threading.Event()
    with asked_to_stop(stop.set, once=False), ExitStack() as stack:
        if health_port is not None:
            port = stack.enter_context(answering(ConsumerHealth(consumer), health_port))
            click.echo(f"health at http://0.0.0.0:{port}", err=True)
        consumer.run(stop, lambda: click.echo(f"consumer {consumer.name} ready"))
