"""The kiosk's own Redis: what it answered it still knows, however it ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cytomill.errors import OptionError, OutputError
from cytomill.kiosk import redis_server
from cytomill.kiosk.supervisor import Program, Supervisor
from tests.conftest import missing

#: Seconds a server may take to start on a busy machine.
PATIENCE = 60


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    try:
        redis_server.find()
    except OptionError as error:
        missing(str(error))
    with Supervisor(lambda line: None) as made:
        yield made


def started(supervisor: Supervisor, folder: Path) -> redis.Redis:
    command = lambda _: redis_server.command(folder)  # noqa: E731
    supervisor.start(Program("redis", command, dict(os.environ), folder / "redis.log"))
    client = redis.Redis.from_url(redis_server.url(folder))
    answered(client)
    return client


def answered(client: redis.Redis) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_killed_or_stopped_it_knows_what_it_was_told(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    client = started(supervisor, tmp_path)
    client.set("a", "1")
    pid = supervisor.pid("redis")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while supervisor.pid("redis") in (pid, None):
        time.sleep(0.01)
    answered(client)
    assert client.get("a") == b"1"
    client.set("a", "2")
    supervisor.stop("redis")
    client = started(supervisor, tmp_path)
    assert client.get("a") == b"2"


def test_a_torn_end_of_its_file_is_cut_off(tmp_path: Path, supervisor: Supervisor) -> None:
    client = started(supervisor, tmp_path)
    client.set("a", "1")
    supervisor.stop("redis")
    torn = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1"
    last = max(tmp_path.rglob("*.aof"), key=lambda path: path.stat().st_mtime)
    with last.open("ab") as file:
        file.write(torn)
    assert started(supervisor, tmp_path).get("a") == b"1"


def test_a_folder_with_a_long_path_has_its_socket_elsewhere(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    place = redis_server.socket_path(folder)
    assert folder not in place.parents
    assert place == redis_server.socket_path(folder) != redis_server.socket_path(tmp_path / "b")
    started(supervisor, folder).set("a", "1")
    assert place.parent.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(place))


def test_a_place_that_others_may_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"cytomill-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(OutputError, match="not a folder of yours alone"):
        redis_server.socket_path(tmp_path / ("long" * 30))


def test_where_there_is_no_server_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(redis_server, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"pip install cytomill\[kiosk\]"):
        redis_server.find()
