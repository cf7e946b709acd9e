"""Consumers and the model server of this machine, as many as there is work for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

from ..errors import CytomillError, OptionError
from ..inference.load import cores
from ..scaling.autoscaler import Autoscaler
from ..scaling.policies import policy
from ..scaling.snapshot import Pool, Role
from ..scaling.steady import Steadying
from .backend import Backend
from .local_driver import LocalDriver
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


class Scaling:
    """Has workers of this machine come and go with the work.

    ``ended`` is given the name of each worker that has ended, and ``warn`` lines for operators.
    """

    def __init__(
        self,
        room: Room,
        idle: float,
        parts: Parts,
        ports: Ports | None,
        backend: Backend,
        supervisor: Supervisor,
        ended: Callable[[str], object],
        warn: Say,
    ) -> None:
        price = backend.price
        consumers = Pool(
            CONSUMERS,
            Role.CONSUMER,
            most=room.consumers,
            threads=room.threads,
            startup=_STARTUP,
            price=price.hour * room.threads if price else 0.0,
        )
        pools = [consumers]
        makes = {CONSUMERS: lambda place, name: parts.worker(place, name, room.threads)}
        if ports is not None:
            pools.append(Pool(SERVERS, Role.MODEL_SERVER, threads=cores(), startup=_STARTUP))
            makes[SERVERS] = lambda _, name: parts.models(ports, None, name)
        self.driver = LocalDriver(supervisor, makes, f"{parts.prefix}{os.getpid()}-", ended)
        self._autoscaler = Autoscaler(
            backend.redis,
            pools,
            policy("throughput"),
            self.driver,
            lambda line: warn(f"autoscaler: {line}"),
            steadying=Steadying(shortest=idle, longest=idle),
            currency=price.currency if price else "",
            patience=_PATIENCE,
            log=self._log,
        )
        self._path = parts.folder.log("autoscaler")
        self._stop, self._ready = Event(), Event()
        self._fault: CytomillError | None = None
        self._thread = Thread(target=self._run, name="autoscaler", daemon=True)

    def start(self) -> None:
        """Decide from now on."""
        self._thread.start()

    def ready(self) -> bool:
        """Whether it has decided. Raises the `CytomillError` that keeps it from that."""
        if self._fault is not None:
            raise self._fault
        return self._ready.is_set()

    def end(self) -> None:
        """Decide no more, and have the workers finish what they have in hand."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.driver.close()

    def _log(self, line: str) -> None:
        with suppress(OSError), self._path.open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    def _run(self) -> None:
        try:
            self._autoscaler.run(self._stop, self._ready.set)
        except CytomillError as error:
            self._fault = error


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
