"""``cytomill model-server``: models over the Open Inference Protocol v2."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..errors import OptionError

_PORT = click.IntRange(0, 65535)
_ADDRESS = re.compile(r"(?:[^\s/:@?#]+|\[[0-9a-fA-F:.%]+\]):\d{1,5}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


class _Bytes(click.ParamType[int]):
    """A number of bytes: ``8G``, ``512M``; units are powers of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no size; write 512M or 8G", param, ctx)
        number, unit = match.groups()
        size = round(float(number) * 1024.0 ** " KMGT".index(unit.upper() or " "))
        if size < 1:
            self.fail(f"{value!r} is less than a byte", param, ctx)
        return size


@click.command("model-server")
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of models, one in each sub-folder, zip or file. Built-in ones are always there.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--grpc-port", type=_PORT, default=8001, show_default=True, help="Port of gRPC; 0: a free one."
)
@click.option(
    "--http-port", type=_PORT, default=8000, show_default=True, help="Port of REST; 0: a free one."
)
@click.option(
    "--metrics-port",
    type=_PORT,
    default=8002,
    show_default=True,
    help="Port of the metrics; 0: a free one.",
)
@click.option(
    "--load",
    multiple=True,
    metavar="NAME",
    help="Load this model at the start, not at its first request. May be given several times.",
)
@click.option("--memory", type=_Bytes(), help="Memory for loaded models, such as 8G.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the models run.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Inferences of one model at once, on a CPU. Default: all cores.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Requests that may wait for one model; more are told to try later.",
)
@click.option(
    "--queue-bytes",
    type=_Bytes(),
    default="2G",
    show_default=True,
    help="Bytes of inputs that may wait for one model.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    help="Inputs of several requests joined into one run. Default: 1 on a CPU, 8 on CUDA.",
)
@click.option(
    "--batch-delay",
    type=click.IntRange(0, 60_000_000),
    default=2000,
    show_default=True,
    help="Microseconds that a request may wait for others to join it.",
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    help="Seconds for requests in hand when the server is asked to stop.",
)
@click.option(
    "--shared-memory/--no-shared-memory",
    default=None,
    help="Let clients on this machine pass tensors in shared memory. Default: only where --host is "
    "this machine alone.",
)
@click.option(
    "--allow-load/--no-allow-load",
    default=True,
    show_default=True,
    help="Let clients load and unload models.",
)
@click.option(
    "--announce",
    is_flag=True,
    help='Say in the queue of CYTOMILL_REDIS where it is: consumers of the model server "queue" '
    "ask it.",
)
@click.option(
    "--name", help="What the queue calls it, with --announce: no two at a time may have the same."
)
@click.option(
    "--announce-address",
    metavar="HOST:PORT",
    help="Where others reach its gRPC. Default: --host, or the name of this machine.",
)
def command(
    models: Path | None,
    host: str,
    grpc_port: int,
    http_port: int,
    metrics_port: int,
    load: tuple[str, ...],
    memory: int | None,
    device: Any,
    threads: int | None,
    queue: int,
    queue_bytes: int,
    batch: int | None,
    batch_delay: int,
    drain: float,
    shared_memory: bool | None,
    allow_load: bool,
    announce: bool,
    name: str | None,
    announce_address: str | None,
) -> None:
    """Serve models over gRPC and REST, as Triton and KServe do.

    Prints the addresses, and "ready" once the models of --load are loaded. SIGTERM and Ctrl-C let
    it finish the requests in hand; the second time it ends at once.
    """
    try:
        from ..inference.server.serve import Listen, serve
    except ModuleNotFoundError as error:
        raise OptionError(
            f"model-server: {error.name} is not installed; pip install cytomill[server]"
        ) from error
    from ..inference.server.options import Options

    options = Options(
        models=models,
        load=load,
        device=device,
        threads=threads,
        memory=memory,
        queue=queue,
        queue_bytes=queue_bytes,
        batch=batch,
        delay=batch_delay / 1e6,
    )
    listen = Listen(
        host=host,
        grpc_port=grpc_port,
        http_port=http_port,
        metrics_port=metrics_port,
        shared_memory=shared_memory,
        allow_load=allow_load,
        drain=drain,
        announced=_checked(announce_address),
    )
    if not announce and (name or announce_address):
        raise OptionError("--name and --announce-address: are about --announce; give that too")
    notices = _Notices(name or _own_name()) if announce else None

    def warn(line: str) -> None:
        click.echo(f"cytomill: {line}", err=True)

    serve(options, listen, click.echo, warn, notices)


def _own_name() -> str:
    """A name that no other server or consumer has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class _Notices:
    """Announces a server, called ``name``, in the queue of the settings."""

    def __init__(self, name: str) -> None:
        try:
            from ..jobs.redis import connect
            from ..jobs.servers import Servers
        except ModuleNotFoundError as error:
            raise OptionError(
                f"--announce: {error.name} is not installed; pip install cytomill[kiosk]"
            ) from error
        from ..settings import settings

        self._name = name
        self._servers = Servers(connect(settings.redis))

    def beat(self, address: str, told: Mapping[str, Any]) -> None:
        """See `Notices.beat`."""
        self._servers.beat(self._name, address, told)

    def leave(self) -> None:
        """See `Notices.leave`."""
        self._servers.leave(self._name)


def _checked(address: str | None) -> str:
    if address and not _ADDRESS.fullmatch(address):
        raise OptionError(f"--announce-address {address}: must be HOST:PORT")
    return address or ""
