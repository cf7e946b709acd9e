"""How many workers this machine may run, and the autoscaler that has them come and go."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import OptionError
from ..inference.load import cores
from ..scaling.autoscaler import Autoscaler
from ..scaling.policy import Policy
from ..scaling.snapshot import Pool, Role
from ..scaling.steady import Steadying
from .backend import Backend
from .local_driver import LocalDriver, Make
from .serve_parts import Parts, Ports
from .supervisor import Supervisor

#: What the pools are called.
CONSUMERS, SERVERS = "consumers", "model-servers"

#: Threads that a consumer has at most: many more wait for each other in one Python.
_THREADS = 4

#: Bytes of memory for each consumer, with images of the size of a camera's.
_BYTES = 2 * 2**30

#: Seconds that a consumer and a model server take to start, until that was measured.
_STARTUP = 8.0

#: Seconds in which they must have: a model server may have to compile its networks.
_PATIENCE = 300.0

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Room:
    """How many consumers this machine may run, and what each works on at once."""

    consumers: int
    threads: int

    @classmethod
    def of(cls, asked: str, threads: int | None) -> Room:
        """What ``auto`` or a number asks for. Raises `OptionError`."""
        if asked == "auto":
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            each = threads or min(_THREADS, cores())
            found = max(1, min(-(-cores() // each), memory // _BYTES))
            return cls(found, threads or -(-cores() // found))
        if not asked.isascii() or not asked.isdigit() or not 0 < int(asked) <= 1000:
            raise OptionError(f"--max-consumers {asked}: must be auto, or a number from 1 to 1000")
        return cls(int(asked), threads or max(1, cores() // int(asked)))

    def told(self, servers: bool, idle: float) -> str:
        """How many there may be, in words."""
        consumers = _many(self.consumers, "consumer")
        models = " and a model server" if servers else ""
        each = _many(self.threads, "image")
        return (
            f"up to {consumers} of {each} at once{models}, started when there is work, ended "
            f"{idle:g} s after"
        )


@dataclass(frozen=True, slots=True)
class Local:
    """Workers of this machine: how many, how they are started, and how long they are kept.

    ``ports`` are those of a model server, None where there is none of this machine's own. Ids of
    workers begin with ``prefix``, and ``ended`` is given that of each that has ended.
    """

    room: Room
    idle: float
    parts: Parts
    ports: Ports | None
    prefix: str
    ended: Callable[[str], object]

    def driver(self, supervisor: Supervisor) -> LocalDriver:
        """Who starts and stops them; consumers stop before what they need."""
        makes: dict[str, Make] = {
            CONSUMERS: lambda place, name: self.parts.worker(place, name, self.room.threads)
        }
        ports = self.ports
        if ports is not None:
            makes[SERVERS] = lambda _, name: self.parts.models(ports, None, name)
        return LocalDriver(supervisor, makes, self.prefix, self.ended)

    def autoscaler(
        self, backend: Backend, policy: Policy, driver: LocalDriver, say: Say, log: Say
    ) -> Autoscaler:
        """Who decides; see `Autoscaler` for ``say`` and ``log``."""
        price = backend.price
        consumers = Pool(
            CONSUMERS,
            Role.CONSUMER,
            most=self.room.consumers,
            threads=self.room.threads,
            startup=_STARTUP,
            price=price.hour * self.room.threads if price else 0.0,
        )
        servers = Pool(SERVERS, Role.MODEL_SERVER, threads=cores(), startup=_STARTUP)
        return Autoscaler(
            backend.redis,
            [consumers] if self.ports is None else [consumers, servers],
            policy,
            driver,
            say,
            steadying=Steadying(period=policy.period, shortest=self.idle, longest=self.idle),
            currency=price.currency if price else "",
            patience=_PATIENCE,
            log=log,
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
