"""``cytomill autoscaler``: has as many workers run as there is work for."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from ..errors import OptionError
from ..signals import asked_to_stop
from .policy_flags import deciding

_FILE = click.Path(path_type=Path)


@click.command("autoscaler")
@click.option(
    "--max-consumers",
    metavar="auto|N",
    help="Consumers on this machine, at most so many. auto: as many as it can feed.",
)
@click.option(
    "--keda", is_flag=True, help="Pods of Kubernetes: KEDA asks how many there should be."
)
@deciding
@click.option(
    "--spent-anew",
    is_flag=True,
    help="Count what is spent from now on: a new budget.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="With --max-consumers, images at once, of each. Default: all cores.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="With --max-consumers, where models run, without a model server.  [default: auto]",
)
@click.option(
    "--idle",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="With --max-consumers, how long they are kept when there is nothing to do.  [default: 60]",
)
@click.option("--pools", type=_FILE, metavar="FILE", help="With --keda, the pools, as JSON.")
@click.option("--host", help="With --keda, address to listen on.  [default: 0.0.0.0]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="With --keda, port to listen on.  [default: 9090]"
)
@click.option("--tls-certificate", type=_FILE, metavar="FILE", help="With --keda, in PEM.")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="Its key.")
@click.option(
    "--tls-authority", type=_FILE, metavar="FILE", help="Who must have signed KEDA's certificate."
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Answer GET /live, /ready and /metrics at this port of all networks; 0: a free one.",
)
def command(
    max_consumers: str | None,
    keda: bool,
    policy: str,
    within: float | None,
    budget: float | None,
    spent_anew: bool,
    threads: int | None,
    device: str | None,
    idle: float | None,
    pools: Path | None,
    host: str | None,
    port: int | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_authority: Path | None,
    health_port: int | None,
) -> None:
    """Have as many consumers run as there is work for; none where there is nothing to do.

    The queue is that of CYTOMILL_REDIS. There is one for each queue: a second one waits until the
    first has ended. Prints "ready" once it decides. SIGTERM and Ctrl-C end it: consumers of this
    machine finish what they have in hand, pods go on.
    """
    _check(
        keda,
        {
            "--threads": threads,
            "--device": device,
            "--idle": idle,
            "--max-consumers": max_consumers,
        },
        {"--pools": pools, "--host": host, "--port": port, "--tls-certificate": tls_certificate},
    )
    if (tls_certificate is None) != (tls_key is None) or (tls_authority and not tls_certificate):
        raise OptionError("--tls-certificate and --tls-key: go together; give both")
    try:
        from ..kiosk.autoscaling import Way, begin_anew, for_keda, for_this_machine, read_pools
        from ..kiosk.local_pools import Room
        from ..scaling.keda.serve import Tls
    except ModuleNotFoundError as error:
        raise OptionError(
            f"autoscaler: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error
    from ..scaling import policies
    from ..settings import settings

    way = Way(
        policies.policy(policy, within, budget),
        health_port,
        click.echo,
        lambda line: click.echo(f"cytomill: {line}", err=True),
    )
    if spent_anew:
        begin_anew(settings)
    stop = threading.Event()
    with asked_to_stop(stop.set):
        if keda:
            if pools is None:
                raise OptionError("--keda: needs --pools FILE, which says what there may be")
            tls = (
                Tls(tls_certificate, tls_key, tls_authority)
                if tls_certificate and tls_key
                else None
            )
            address = f"{host or '0.0.0.0'}:{9090 if port is None else port}"
            for_keda(settings, read_pools(pools), way, address, tls, stop)
        else:
            room = Room.of(max_consumers or "auto", threads)
            for_this_machine(settings, room, idle or 60.0, device or "auto", way, stop)


def _check(keda: bool, here: dict[str, object], there: dict[str, object]) -> None:
    """Raise `OptionError` where it is not said where workers run, or what goes with the other."""
    if not keda and here["--max-consumers"] is None:
        raise OptionError(
            "autoscaler: give --max-consumers for consumers on this machine, or --keda for those "
            "of Kubernetes; for SLURM there is cytomill up slurm"
        )
    for option, value in (here if keda else there).items():
        if value is not None:
            way = "--keda" if not keda else "--max-consumers"
            raise OptionError(f"{option}: goes with {way} only; leave it out")
