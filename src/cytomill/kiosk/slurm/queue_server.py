"""The Redis of a kiosk on SLURM: on the cluster's network, behind a password."""

from __future__ import annotations

from pathlib import Path

from .. import redis_server
from .site import Site


def url(address: str, port: int, password: str) -> str:
    """Its address, as CYTOMILL_REDIS has it."""
    host = f"[{address}]" if ":" in address else address
    return f"redis://:{password}@{host}:{port}"


def command(site: Site, folder: Path, address: str, port: int, password: str) -> list[str]:
    """The command line of a server that keeps its data in ``folder``.

    The password is in a file: everybody on a machine sees the command lines of its processes.
    """
    options = redis_server.options(folder) | {
        "bind": address,
        "port": str(port),
        "requirepass": password,
        "tcp-keepalive": "60",
    }
    lines = (f"{name} {_quoted(value)}\n" for name, value in options.items() if name not in _LOCAL)
    site.write(site.redis, "".join(lines))
    return [str(redis_server.find()), str(site.redis)]


#: What only a server for one machine has.
_LOCAL = frozenset(["unixsocket", "unixsocketperm"])


def _quoted(value: str) -> str:
    """A value as a file of options has it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
