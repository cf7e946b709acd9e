"""A whole kiosk for tests: its API on a real server, and a real consumer, in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cytomill.kiosk.backend import Backend
from cytomill.kiosk.consumer import Consumer

from .kiosk import PATIENCE, Kiosk, kiosk


@contextmanager
def lab(folder: Path, redis_url: str, **settings: Any) -> Iterator[Kiosk]:
    """A kiosk that does what it is asked; see `kiosk.kiosk`."""
    with kiosk(folder, redis_url, **settings) as found, consuming(found.backend):
        yield found


@contextmanager
def consuming(backend: Backend) -> Iterator[None]:
    """A consumer, which has ended when the block has."""
    stop = threading.Event()
    consumer = Consumer(backend, threads=2, device="cpu")
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert not thread.is_alive(), "the consumer does not end"
