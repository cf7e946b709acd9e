"""The autoscaler of a kiosk on one machine, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from ..errors import CytomillError
from ..scaling.policies import policy
from .backend import Backend
from .local_pools import Local
from .supervisor import Supervisor

Say = Callable[[str], object]


class Scaling:
    """Has workers of this machine come and go with the work.

    ``warn`` is given lines for operators; each change is a line in the file ``log``.
    """

    def __init__(
        self, local: Local, backend: Backend, supervisor: Supervisor, log: Path, warn: Say
    ) -> None:
        self._log = log
        self._driver = local.driver(supervisor)
        self._autoscaler = local.autoscaler(
            backend,
            policy("throughput"),
            self._driver,
            lambda line: warn(f"autoscaler: {line}"),
            self._note,
        )
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
        self._driver.close()

    def _note(self, line: str) -> None:
        with suppress(OSError), self._log.open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    def _run(self) -> None:
        try:
            self._autoscaler.run(self._stop, self._ready.set)
        except CytomillError as error:
            self._fault = error
