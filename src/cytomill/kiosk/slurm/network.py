"""Under which address the nodes of a cluster reach this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
import subprocess
from contextlib import suppress

from ...errors import OptionError

#: The port of a SLURM controller, unless it was told otherwise: nothing is sent there.
_CONTROLLER = 6817

#: Seconds that the controller may take to say who it is.
_PATIENCE = 20.0


def address(given: str) -> str:
    """The IP address for ``given``, a name or an address; by default that on the cluster's network.

    A login node has several networks: that of the cluster is the one on which it reaches the
    controller. Raises `OptionError` where there is none but this machine's own.
    """
    if given:
        return _resolved(given)
    found = _towards(_controller()) or _towards(socket.gethostname())
    if not found:
        raise OptionError(
            "--address: nothing tells how the nodes reach this machine; give the name or address "
            "that it has on the cluster's network"
        )
    return found


def _resolved(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OptionError(f"--address {host}: no such address ({error})") from error
    return str(found[0][4][0])


def _towards(host: str) -> str:
    """The address of this machine from which it would send to ``host``; empty for its own."""
    with suppress(OSError, UnicodeError, IndexError):
        family, kind, *_, where = socket.getaddrinfo(host, _CONTROLLER, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as made:
            made.connect(where)
            found = str(made.getsockname()[0])
            if not ipaddress.ip_address(found).is_loopback:
                return found
    return ""


def _controller() -> str:
    """The machine of the controller; empty where nobody knows."""
    with suppress(OSError, subprocess.TimeoutExpired):
        told = subprocess.run(
            ["scontrol", "show", "config"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        ).stdout
        # SlurmctldHost[0] = name(address)
        match = re.search(r"^SlurmctldHost\[0\]\s*=\s*([^\s(]+)(?:\(([^)]+)\))?", told, re.M)
        if match is not None:
            return match[2] or match[1]
    return ""
