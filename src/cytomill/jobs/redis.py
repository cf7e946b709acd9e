"""Redis: how it is reached, and what its faults mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
)
from redis.retry import Retry

from ..errors import OptionError
from .errors import QueueAwayError, QueueFullError

#: Seconds after which a Redis that does not answer is away.
_PATIENCE = 5.0


def connect(url: str) -> redis.Redis:
    """A client of the server at ``url``; connects when it is first used.

    ``redis://[USER:PASSWORD@]HOST:PORT[/DB]``, ``rediss://`` for TLS, ``unix://PATH``. Raises
    `OptionError` for a URL that is none of these.
    """
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            health_check_interval=30,
            # Who calls decides whether to wait: an API answers 503, a consumer tries again.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        raise OptionError(
            f"CYTOMILL_REDIS: {error}; write redis://HOST:6379, rediss:// or unix://"
        ) from None


#: What a server that was killed or is being stopped may answer for a moment.
_AWAY = ("LOADING", "MASTERDOWN", "READONLY", "MISCONF", "UNKILLABLE")


@contextmanager
def told() -> Iterator[None]:
    """Turns faults of Redis into `QueueAwayError`, `QueueFullError` and `OptionError`."""
    try:
        yield
    except AuthenticationError as error:
        raise OptionError(
            f"CYTOMILL_REDIS: the server refuses the password ({error}); correct it"
        ) from None
    except (ConnectionError, TimeoutError, BusyLoadingError) as error:
        raise QueueAwayError(f"the queue (Redis) does not answer ({error}); start it") from None
    except OutOfMemoryError:
        raise QueueFullError from None
    except ResponseError as error:
        code = _code(error)
        if code in _AWAY:
            raise QueueAwayError(f"the queue (Redis) takes nothing now ({error})") from None
        if code == "OOM":
            raise QueueFullError from None
        raise
    except RedisError as error:
        raise QueueAwayError(f"the queue (Redis) failed ({error})") from None


def _code(error: ResponseError) -> str:
    """The first word of an error; of one in a script, of what the script ran into."""
    text = str(error)
    inner = re.search(r"@user_script: ?[0-9]+: -([A-Z]+) ", text)
    return inner[1] if inner else text.partition(" ")[0]
