"""What every process of a kiosk holds: the queue, the bucket, and the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from ..errors import OptionError
from ..jobs.bucket import Bucket
from ..jobs.queue import Queue
from ..jobs.redis import connect
from ..scaling.board import Board
from ..settings import Settings
from .price import Price
from .waits import Waits


@dataclass(frozen=True, slots=True)
class Backend:
    """The shared state of a kiosk, as one of its processes reaches it."""

    redis: redis.Redis
    queue: Queue
    bucket: Bucket
    sources: Mapping[str, Bucket]
    settings: Settings
    waits: Waits
    price: Price | None = None

    @classmethod
    def of(cls, settings: Settings) -> Backend:
        """As the settings say; nothing is asked yet. Raises `OptionError`."""
        client = connect(settings.redis)
        queue = Queue(client)
        return cls(
            client,
            queue,
            Bucket(settings.bucket),
            {name: Bucket(url) for name, url in _sources(settings.sources)},
            settings,
            Waits(queue, Board(client)),
            Price.of(settings.price),
        )


def _sources(text: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, url = part.partition("=")
        if not equals or not name.isidentifier() or not url:
            raise OptionError(f"CYTOMILL_SOURCES: {part!r} is not NAME=URL, such as nas=/mnt/nas")
        found.append((name, url))
    return found
