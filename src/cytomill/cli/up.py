"""``cytomill up``: a kiosk whose workers are jobs of a cluster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ..errors import OptionError
from ..settings import settings
from .policy_flags import deciding

_PORT = click.IntRange(0, 65535)


@click.group("up")
def command() -> None:
    """Run a kiosk whose workers come and go on a cluster."""


@command.command("slurm")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=settings.kiosk,
    show_default=True,
    help="Folder of the queue, uploads, results and logs, on a disk that all nodes share.",
)
@click.option("--partition", default="", metavar="NAME", help="Partition of the jobs.")
@click.option("--account", default="", metavar="NAME", help="Account of the jobs.")
@click.option(
    "--gres",
    default="",
    metavar="GRES",
    help="What a worker that runs models needs, such as gpu:1.",
)
@click.option(
    "--time",
    "limit",
    default="",
    metavar="TIME",
    help="Time limit of a worker's job as SLURM writes it, such as 4:00:00 or 2-00:00:00.",
)
@click.option(
    "--extra",
    default="",
    metavar="FLAGS",
    help="More flags of sbatch for all workers, such as '--mem=16G --constraint=a100'.",
)
@click.option(
    "--model-server-partition", default="", metavar="NAME", help="Partition of model servers."
)
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Apptainer image (.sif) that workers run in.",
)
@click.option(
    "--environment",
    is_flag=True,
    help="Workers run in the Python environment of this command. So it is without --image.",
)
@click.option(
    "--max-consumers",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    metavar="N",
    help="Consumers that there may be.",
)
@click.option(
    "--max-model-servers",
    type=click.IntRange(0, 1_000),
    default=0,
    show_default=True,
    metavar="N",
    help="Model servers that there may be; 0: consumers run the models themselves.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1_024),
    default=4,
    show_default=True,
    help="Processors of a worker, and what it does at once.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the models run.",
)
@deciding
@click.option(
    "--host",
    default="",
    help="Address that the API listens on. Default: this machine alone, with --own-job --address.",
)
@click.option("--port", type=_PORT, help="Port of the API. Default: a free one, then the same.")
@click.option(
    "--address",
    default="",
    metavar="HOST",
    help="Where nodes reach this machine. Default: its address on the controller's network.",
)
@click.option(
    "--redis-port", type=_PORT, help="Port of the queue. Default: a free one, then the same."
)
@click.option("--own-job", is_flag=True, help="Run the kiosk itself in a job too.")
@click.option(
    "--own-time", default="", metavar="TIME", help="Time limit of that job, with --own-job."
)
def slurm(
    data: Path,
    partition: str,
    account: str,
    gres: str,
    limit: str,
    extra: str,
    model_server_partition: str,
    image: Path | None,
    environment: bool,
    max_consumers: int,
    max_model_servers: int,
    threads: int,
    device: str,
    policy: str,
    within: float | None,
    budget: float | None,
    host: str,
    port: int | None,
    address: str,
    redis_port: int | None,
    own_job: bool,
    own_time: str,
) -> None:
    """Run a kiosk on a login node whose consumers and model servers are jobs of SLURM.

    There are none while there is nothing to do, and up to --max-consumers while there is. Prints
    its address, the first time a token, and "ready" once jobs can be submitted. SIGTERM, Ctrl-C and
    cytomill down slurm let workers finish what is in hand, and end all jobs of this kiosk. Nothing
    is lost: started again on the same folder it carries on.
    """
    try:
        from ..kiosk.slurm.own_job import is_inside, up_as_job
        from ..kiosk.slurm.plan import Flags, Plan
        from ..kiosk.slurm.up import up
    except ModuleNotFoundError as error:
        raise OptionError(
            f"up: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error
    from ..settings import settings

    if image is not None and environment:
        raise OptionError("--environment: workers run in --image; give one of the two")
    if model_server_partition and not max_model_servers:
        raise OptionError("--model-server-partition: give --max-model-servers too")
    data = data.expanduser().absolute()
    inside = is_inside(data)
    if own_time and not own_job and not inside:
        raise OptionError("--own-time: is about --own-job; give that too")
    of_models = gres if max_model_servers else ""
    plan = Plan(
        data=data,
        host=host,
        port=port,
        address=address,
        redis_port=redis_port,
        max_consumers=max_consumers,
        max_model_servers=max_model_servers,
        threads=threads,
        device=device,
        consumers=Flags(partition, account, "" if max_model_servers else gres, limit, extra),
        model_servers=Flags(model_server_partition or partition, account, of_models, limit, extra),
        image=image,
        policy=policy,
        within=within,
        budget=budget,
        inside=inside,
    )

    def warn(line: Any) -> None:
        click.echo(f"cytomill: {line}", err=True)

    if own_job:
        words = [word for word in sys.argv[1:] if word != "--own-job"]
        flags = Flags(partition, account, time=own_time)
        up_as_job(plan, flags, [*words, "--data", str(data)], click.echo, warn)
    else:
        up(plan, settings, click.echo, warn)
