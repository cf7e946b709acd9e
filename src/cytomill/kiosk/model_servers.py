"""The model servers of a kiosk: one, all of a name, or those that are announced in its queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import redis

from ..errors import OptionError
from ..inference.load import Device, check_undecided
from ..inference.load import models as models_here
from ..inference.places import DNS, Directory, Dns, Place
from ..inference.runtime import Models
from ..jobs.servers import Servers
from .stopping import current

#: The setting that stands for those that are announced.
QUEUE = "queue"


class Announced:
    """The servers that are announced in the queue, as a `Directory`."""

    name = "the model servers of the queue"
    lacking = "none is announced; start one with `cytomill model-server --announce`"
    lost = True

    def __init__(self, client: redis.Redis) -> None:
        self._servers = Servers(client)

    def places(self) -> Sequence[Place]:
        """See `Directory.places`."""
        return [
            Place(
                one.address,
                int(one.told.get("threads", 1)),
                int(one.told.get("running", 0)) + int(one.told.get("waiting", 0)),
                bool(one.told.get("draining")),
            )
            for one in self._servers.servers()
        ]


def models(
    where: str | None,
    client: redis.Redis,
    device: Device,
    threads: int,
    waits: Callable[[str], object],
    goes_on: Callable[[], object],
) -> tuple[Models, Callable[[], bool]]:
    """The models of a consumer, on the servers ``where`` as the setting names them, or here.

    The second says whether there is a server of several now, and that there is one of one.
    ``waits`` and ``goes_on`` are told of several whether one can be asked. Raises `OptionError` for
    what is no such address, and for a device besides it.
    """
    directory = None if where is None else _directory(where, client)
    if directory is None:
        return models_here(device, threads, where), lambda: True
    check_undecided(device)
    try:
        from ..inference.several import Several
        from ..inference.several import models as on_several
    except ModuleNotFoundError as error:
        raise OptionError(
            f"--model-server: {error.name} is not installed; pip install cytomill[server]"
        ) from error
    several = Several(directory, waits, goes_on, current)
    return on_several(several), several.there


def addresses(where: str, client: redis.Redis) -> list[str]:
    """The servers ``where``, each as ``grpc://HOST:PORT``. Raises `QueueAwayError`."""
    directory = _directory(where, client)
    if directory is None:
        return [where]
    return [f"grpc://{place.address}" for place in directory.places()]


def _directory(where: str, client: redis.Redis) -> Directory | None:
    """What names the servers ``where`` there may be several."""
    if where == QUEUE:
        return Announced(client)
    return Dns(where) if where.startswith(DNS) else None
