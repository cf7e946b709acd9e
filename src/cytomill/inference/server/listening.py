"""Where a server of this machine listens, and what ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...errors import OptionError
from ...signals import kinds


def address_of(host: str) -> str:
    """The IP address of ``host``, a name or an address. Raises `OptionError`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OptionError(f"--host {host}: no such address ({error})") from error
    return str(found[0][4][0])


@contextmanager
def listening(address: str, port: int, option: str = "--port") -> Iterator[socket.socket]:
    """A socket that listens at ``address``; port 0 is any that is free. Raises `OptionError`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Named, asyncio knows the protocol and sends at once; else answers wait 40 ms for each other.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((address, port))
            made.listen(2048)  # two servers can bind one port, but not both listen
        except OSError as error:
            raise OptionError(
                f"{option} {port}: cannot listen on {address} ({error.strerror}); choose another "
                "port, or 0 for a free one"
            ) from error
        yield made


def url(scheme: str, address: str, port: int) -> str:
    """The address as a URL."""
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"


def on_signal(stop: Callable[[], object]) -> None:
    """Have the first SIGTERM or SIGINT call ``stop`` in this loop; the second ends the process."""
    loop = asyncio.get_running_loop()
    asking = kinds()

    def first() -> None:
        for kind in asking:
            loop.remove_signal_handler(kind)
            signal.signal(kind, signal.SIG_DFL)
        stop()

    for kind in asking:
        loop.add_signal_handler(kind, first)
