"""Redis: how it is reached, and what its faults mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

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
from redis.sentinel import Sentinel

from ..errors import OptionError
from .errors import QueueAwayError, QueueFullError

#: Seconds after which a Redis that does not answer is away.
_PATIENCE = 5.0

#: Where a Sentinel listens by default.
_SENTINEL = 26379


class _TakesNothingError(ConnectionError):  # type: ignore[misc]
    """The server answers and does nothing; another connection may lead to one that does."""


class _Client(redis.Redis):  # type: ignore[misc]
    """A client that connects anew, and asks once more, where its server takes nothing.

    What was a master stays connected when it is demoted, though its name leads elsewhere by then.
    """

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """An answer, see the library."""
        try:
            return super().parse_response(connection, command_name, **options)
        except ResponseError as error:
            if _code(error) in _AWAY:
                self.connection_pool.disconnect(inuse_connections=False)
                raise _TakesNothingError(str(error)) from None
            raise


def connect(url: str) -> redis.Redis:
    """A client of the server at ``url``; connects when it is first used.

    ``redis://[USER:PASSWORD@]HOST:PORT[/DB]``, ``rediss://`` for TLS, ``unix://PATH``; or, to ask
    Sentinels who is master, ``redis+sentinel://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/NAME[/DB]``,
    ``rediss+sentinel://`` for TLS. Raises `OptionError` for a URL that is none of these.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": _PATIENCE,
        "socket_connect_timeout": _PATIENCE,
        "health_check_interval": 30,
        # Who calls decides whether to wait: an API answers 503, a consumer tries again.
        "retry": Retry(NoBackoff(), 1),
    }
    try:
        if re.match(r"rediss?\+sentinel://", url):
            return _of_sentinels(url, options)
        return _Client.from_url(url, **options)
    except ValueError as error:
        raise OptionError(
            f"CYTOMILL_REDIS: {error}; write redis://HOST:6379, rediss://, unix:// or "
            "redis+sentinel://HOST:26379/NAME"
        ) from None


def _of_sentinels(url: str, options: dict[str, Any]) -> redis.Redis:
    """A client of the master that Sentinels name. Raises `ValueError`."""
    parts = urlsplit(url)
    signed, _, hosts = parts.netloc.rpartition("@")
    user, _, password = signed.partition(":")
    name, _, number = parts.path.strip("/").partition("/")
    if not name or not re.fullmatch(r"\d*", number):
        raise ValueError("Sentinels are asked for a master by its name")
    given = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    own = {"password": given.pop("sentinel_password", None), "ssl": parts.scheme[:6] == "rediss"}
    if given:
        raise ValueError(f"there is no option {', '.join(given)} of Sentinels")
    patience = {key: options[key] for key in ("socket_timeout", "socket_connect_timeout")}
    sentinels = Sentinel([_place(one) for one in hosts.split(",")], sentinel_kwargs=patience | own)
    found: redis.Redis = sentinels.master_for(
        name,
        redis_class=_Client,
        db=int(number or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
        ssl=own["ssl"],
        **options,
    )
    return found


def _place(text: str) -> tuple[str, int]:
    """Host and port of a Sentinel. Raises `ValueError`."""
    found = re.fullmatch(r"([^\s:\[\]]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?", text)
    if found is None:
        raise ValueError(f"{text!r} is no address of a Sentinel")
    return found[1].strip("[]"), int(found[2] or _SENTINEL)


#: What a server that was killed or is being stopped may answer for a moment.
_AWAY = (
    "LOADING", "MASTERDOWN", "READONLY", "MISCONF", "UNKILLABLE", "NOREPLICAS", "CLUSTERDOWN",
)  # fmt: skip


@contextmanager
def told() -> Iterator[None]:
    """Turns faults of Redis into `QueueAwayError`, `QueueFullError` and `OptionError`."""
    try:
        yield
    except AuthenticationError as error:
        raise OptionError(
            f"CYTOMILL_REDIS: the server refuses the password ({error}); correct it"
        ) from None
    except _TakesNothingError as error:
        raise QueueAwayError(f"the queue (Redis) takes nothing now ({error})") from None
    except (ConnectionError, TimeoutError, BusyLoadingError) as error:
        raise QueueAwayError(f"the queue (Redis) does not answer ({error}); start it") from None
    except OutOfMemoryError:
        raise QueueFullError from None
    except ResponseError as error:
        code = _code(error)
        if code == "NOPERM":
            raise OptionError(
                f"CYTOMILL_REDIS: the user lacks a right ({error}); let it do all with the keys "
                "{cytomill}:*"
            ) from None
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
