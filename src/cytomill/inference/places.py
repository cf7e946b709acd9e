"""Where model servers are, where there are several."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import OptionError, UnreachableError

#: What the addresses of names begin with whose servers are all asked.
DNS = "grpc+dns://"


@dataclass(frozen=True, slots=True)
class Place:
    """A model server at ``address``, ``HOST:PORT``, as far as is known.

    It does ``threads`` inferences at once and has ``load`` requests of everybody; one that is
    ``draining`` takes nothing new.
    """

    address: str
    threads: int = 1
    load: int = 0
    draining: bool = False


class Directory(Protocol):
    """Says which model servers there are; it is asked by one thread."""

    #: What manifests call them together.
    name: str

    #: What is told while there is none, with advice.
    lacking: str

    #: Whether a server that is not named any more is dead; else it may finish what it has in hand.
    lost: bool

    def places(self) -> Sequence[Place]:
        """The servers there are now. Raises `CytomillError` where that cannot be found out."""
        ...


class Dns:
    """The servers at all addresses of a name, as Kubernetes' headless Services have them.

    Raises `OptionError` for what is not ``grpc+dns://HOST:PORT``.
    """

    lost = False

    def __init__(self, url: str) -> None:
        found = re.fullmatch(re.escape(DNS) + r"([^\s/:@?#]+):(\d{1,5})/?", url)
        if found is None:
            raise OptionError(f"--model-server {url}: must be {DNS}HOST:PORT")
        self._host, self._port = found.groups()
        self.name = f"{DNS}{self._host}:{self._port}"
        self.lacking = (
            f"no model server is at the name {self._host}; start one, or correct the name"
        )

    def places(self) -> Sequence[Place]:
        """See `Directory.places`."""
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
                return []
            raise UnreachableError(
                f"{self.name}: the name cannot be looked up ({error.strerror}); check the DNS"
            ) from None
        hosts = sorted({str(address[0]) for *_, address in found})
        return [
            Place(f"[{one}]:{self._port}" if ":" in one else f"{one}:{self._port}") for one in hosts
        ]
