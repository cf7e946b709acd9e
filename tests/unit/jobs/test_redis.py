"""Where the queue is, and what its faults mean to who calls."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis.exceptions as faults

from cytomill.errors import OptionError
from cytomill.jobs.errors import QueueAwayError, QueueFullError
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect, told


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6379", "http://host", "redis://host:port", "redis+sentinel://host:26379",
     "redis+sentinel://host:port/kiosk", "redis+sentinel://host/kiosk/first",
     "redis+sentinel://host/kiosk?user=me"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_by_the_setting(url: str) -> None:
    with pytest.raises(OptionError, match="CYTOMILL_REDIS"):
        connect(url)


def test_a_queue_is_made_without_a_server(tmp_path: Path) -> None:
    """A consumer may be started before Redis is."""
    with connect(f"unix://{tmp_path}/none") as client:
        queue = Queue(client)
        with pytest.raises(QueueAwayError, match="start it"):
            queue.ping()


@pytest.mark.parametrize(
    ("fault", "means"),
    [
        (faults.ConnectionError("gone"), QueueAwayError),
        (faults.TimeoutError("slow"), QueueAwayError),
        (faults.BusyLoadingError("LOADING"), QueueAwayError),
        (faults.ResponseError("MISCONF disk full"), QueueAwayError),
        (faults.ReadOnlyError("READONLY"), QueueAwayError),
        (faults.OutOfMemoryError("OOM"), QueueFullError),
        (faults.ResponseError("Error (call to f_1): @user_script: 9: -OOM full."), QueueFullError),
        (faults.ResponseError("NOREPLICAS Not enough good replicas to write."), QueueAwayError),
        (faults.MasterDownError("MASTERDOWN Link with MASTER is down"), QueueAwayError),
        (faults.AuthenticationError("WRONGPASS"), OptionError),
        (faults.NoPermissionError("NOPERM this user has no permissions"), OptionError),
    ],
)
def test_faults_say_what_to_do(fault: Exception, means: type[Exception]) -> None:
    with pytest.raises(means), told():
        raise fault


def test_our_own_mistakes_are_not_called_faults_of_the_server() -> None:
    with pytest.raises(faults.ResponseError), told():
        raise faults.ResponseError("wrong number of arguments")


def test_sentinels_are_asked_as_the_address_says() -> None:
    url = "rediss+sentinel://me:p%40ss@a,b:7,[::1]:8/kiosk/2?sentinel_password=other"
    with connect(url) as client:
        pool = client.connection_pool
        assert pool.service_name == "kiosk"
        own = pool.connection_kwargs
        assert (own["username"], own["password"], own["db"]) == ("me", "p@ss", 2)
        asked = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
        assert [(one["host"], one["port"]) for one in asked] == [("a", 26379), ("b", 7), ("::1", 8)]
        assert {one["password"] for one in asked} == {"other"}
        assert "SSL" in client.connection_pool.connection_class.__name__
