"""An autoscaler in a process of its own: of pods, or of consumers on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..errors import OptionError, TemporaryError
from ..jobs.servers import Servers
from ..scaling.autoscaler import Autoscaler
from ..scaling.keda import Wanted, Watching
from ..scaling.keda.serve import Tls, serving
from ..scaling.ledger import Ledger
from ..scaling.policy import Policy
from ..scaling.snapshot import Pool, Role
from ..settings import Settings
from .autoscaler_health import AutoscalerHealth
from .backend import Backend
from .health import answering
from .local_pools import Local, Room
from .serve_folder import DataFolder
from .serve_parts import Parts
from .supervisor import Supervisor
from .workplace import workplace

Say = Callable[[str], object]


class _Pool(BaseModel):
    """A pool as a file has it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}$")
    role: Role
    least: int = Field(0, ge=0)
    most: int = Field(1, ge=0)
    threads: int = Field(1, ge=1)
    startup: float = Field(120.0, gt=0, allow_inf_nan=False)
    price: float = Field(0.0, ge=0, allow_inf_nan=False)
    pipelines: tuple[str, ...] = ()
    lifetime: float | None = Field(None, gt=0, allow_inf_nan=False)


def read_pools(path: Path) -> list[Pool]:
    """The pools that a JSON file names, a list of objects with the fields of `Pool`.

    Raises `OptionError` where it cannot be read or says what cannot be.
    """
    try:
        found = TypeAdapter(list[_Pool]).validate_json(path.read_bytes())
    except OSError as error:
        raise OptionError(f"--pools {path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OptionError(
            f"--pools {path}: {f'{where}: ' if where else ''}{first['msg']}; it is a JSON list of "
            "objects with name, role (consumer or model-server), most, threads, startup, price"
        ) from None
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise OptionError(f"--pools {path}: two pools have the same name; give each its own")
    if not found:
        raise OptionError(f"--pools {path}: names no pool; give one at least")
    for one in found:
        if one.least > one.most:
            raise OptionError(f"--pools {path}: {one.name}: least is above most; correct it")
    return [Pool(**one.model_dump()) for one in found]


@dataclass(frozen=True, slots=True)
class Way:
    """How an autoscaler is run: with which policy, and where it tells that it lives."""

    policy: Policy
    health_port: int | None
    say: Say
    warn: Say


def begin_anew(settings: Settings) -> None:
    """Forget what was spent. Raises `QueueAwayError`."""
    Ledger(Backend.of(settings).redis).begin_anew()


def for_keda(
    settings: Settings, pools: list[Pool], way: Way, address: str, tls: Tls | None, stop: Event
) -> None:
    """Decide about pods, and answer KEDA at ``address``, ``HOST:PORT``, until ``stop`` is set.

    Raises `OptionError` for an address that cannot be had.
    """
    backend = Backend.of(settings)
    wanted = Wanted(pools)
    driver = Watching(backend.queue, Servers(backend.redis), pools)
    with serving(wanted, address, tls=tls) as port:
        way.say(f"KEDA asks at port {port}")
        autoscaler = Autoscaler(
            backend.redis,
            pools,
            way.policy,
            driver,
            way.warn,
            engine="Kubernetes",
            currency=backend.price.currency if backend.price else "",
            tell=lambda wishes: wanted.tell(driver.kept(wishes)),
        )
        _run(autoscaler, way, stop)


def for_this_machine(
    settings: Settings, room: Room, idle: float, device: str, way: Way, stop: Event
) -> None:
    """Have consumers of this machine come and go until ``stop`` is set, then have them end."""
    backend = Backend.of(settings)
    folder = DataFolder(workplace() / "workers")
    folder.logs.mkdir(parents=True, exist_ok=True)

    def ended(name: str) -> None:
        # Where the queue is away, others find what it had in hand after a lease.
        with suppress(TemporaryError):
            backend.queue.bury(name, backend.queue.queues())

    prefix = f"{socket.gethostname()}-{os.getpid()}-"
    local = Local(room, idle, Parts(folder, settings, device, prefix), None, prefix, ended)
    way.say(f"work   {room.told(False, idle)}; their logs are in {folder.logs}")
    with Supervisor(way.warn) as supervisor, closing(local.driver(supervisor)) as driver:
        _run(local.autoscaler(backend, way.policy, driver, way.warn, way.warn), way, stop)


def _run(autoscaler: Autoscaler, way: Way, stop: Event) -> None:
    with ExitStack() as stack:
        if way.health_port is not None:
            port = stack.enter_context(answering(AutoscalerHealth(autoscaler), way.health_port))
            way.warn(f"health at http://0.0.0.0:{port}")
        autoscaler.run(stop, lambda: way.say("ready"))
