"""The whole kiosk on one machine: its parts started in order, kept running, stopped in order."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import CytomillError, OptionError
from ..inference.load import cores
from ..inference.server.listening import address_of, listening
from ..jobs.errors import QueueAwayError
from ..settings import Settings
from ..signals import asked_to_stop
from . import redis_server
from .backend import Backend
from .built_page import lacking
from .local_pools import Local, Room
from .serve_folder import DataFolder
from .serve_parts import API, MODELS, REDIS, Parts, Ports
from .serve_scaling import Scaling
from .serve_token import admin_token
from .starting import PAUSE, Stopped, allow_open_files, answers, until
from .supervisor import Supervisor

Say = Callable[[str], object]

#: Seconds between two looks at which models are installed.
_LOOK = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for.

    ``consumers`` is their number, ``threads`` what each works on at once; None for what suits this
    machine. With ``most``, ``auto`` or a number, there are as many consumers, and the model server,
    as there is work for, until they were idle for ``idle`` seconds. ``free`` asks nobody for a
    token. ``in_process`` loads models into the consumers. ``browser`` opens the page in one.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    free: bool = False
    consumers: int = 1
    threads: int | None = None
    device: str = "auto"
    in_process: bool = False
    browser: bool = False
    most: str | None = None
    idle: float = 60.0


def serve(plan: Plan, settings: Settings, say: Say, warn: Say) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order; a second ends it all at once.

    ``say`` is given the address, the token when it is new, and ``ready`` once a job could be
    processed; ``warn`` what went wrong. Parts that the settings name, such as a Redis, are used and
    not started. Raises `OptionError` for an address or a folder that cannot be had, and
    `CytomillError` for a part that does not start.
    """
    folder = DataFolder(plan.data.expanduser().absolute())
    room = Room.of(plan.most, plan.threads) if plan.most else None
    port = _port(plan)
    folder.make(warn)
    stopping = threading.Event()
    # A second signal ends the process, and with it all parts.
    with folder.lock() as lock, asked_to_stop(stopping.set):
        allow_open_files()
        with Supervisor(warn, held=lock) as supervisor:
            _Kiosk(plan, room, settings, folder, port, supervisor, stopping, say, warn).run()


class _Kiosk:
    """A kiosk that is being started, runs, or is being stopped."""

    def __init__(
        self,
        plan: Plan,
        room: Room | None,
        settings: Settings,
        folder: DataFolder,
        port: int,
        supervisor: Supervisor,
        stopping: threading.Event,
        say: Say,
        warn: Say,
    ) -> None:
        self._plan, self._folder, self._port = plan, folder, port
        self._supervisor, self._stopping = supervisor, stopping
        self._say, self._warn = say, warn
        self._own_redis = "CYTOMILL_REDIS" not in os.environ
        own_bucket = "CYTOMILL_BUCKET" not in os.environ
        self._ports = None if plan.in_process or settings.model_server else Ports.free()
        self._settings = replace(
            settings,
            redis=redis_server.url(folder.redis) if self._own_redis else settings.redis,
            bucket=str(folder.bucket) if own_bucket else settings.bucket,
            audit=settings.audit or str(folder.audit),
            model_server=(
                f"grpc://127.0.0.1:{self._ports.grpc}" if self._ports else settings.model_server
            ),
        )
        self._prefix = _prefix(folder.path)
        self._parts = Parts(folder, self._settings, plan.device, self._prefix)
        self._backend = Backend.of(self._settings)
        self._dead: list[str] = []
        self._room = room
        self._scaling: Scaling | None = None
        self._undertaker = threading.Thread(target=self._bury, daemon=True)

    def run(self) -> None:
        """Start, serve, stop."""
        try:
            self._start()
            while not self._stopping.wait(_LOOK):
                self._find_models()
        except Stopped:
            pass
        self._say("stopping: the work in hand is finished or given back")
        self._supervisor.stop(API)
        if self._scaling is not None:
            self._scaling.end()
        self._supervisor.stop(*self._consumers())
        self._supervisor.stop(MODELS)
        self._backend.redis.close()
        self._supervisor.stop(REDIS)

    def _consumers(self) -> list[str]:
        """Those that are there all the time."""
        if self._room is not None:
            return []
        return [f"consumer-{number}" for number in range(self._plan.consumers)]

    def _start(self) -> None:
        plan, parts, supervisor = self._plan, self._parts, self._supervisor
        if self._own_redis:
            supervisor.start(parts.redis())
        if self._ports and self._room is None:
            supervisor.start(parts.models(self._ports, None))
        if self._own_redis:
            self._until(self._redis_is_ready, REDIS)
        token = None if plan.free else admin_token(self._backend, self._folder)
        self._bury_predecessors()
        self._undertaker.start()
        supervisor.start(parts.api(plan.host, self._port, free=plan.free))
        if self._room is not None:
            self._scaling = self._scaled(self._room)
        else:
            threads = plan.threads or max(1, cores() // plan.consumers)
            for number in range(plan.consumers):
                supervisor.start(parts.consumer(number, threads, self._dead.append))
        address = f"http://{_local(plan.host)}:{self._port}"
        self._say(f"kiosk  {address}")
        unbuilt = lacking()
        self._say(f"page   {f'not built: {unbuilt}' if unbuilt else f'{address}/'}")
        self._say(f"data   {self._folder.path}")
        if token:
            self._say(f"token  {token}  (of an administrator; kept in {self._folder.token})")
        if self._room is not None:
            self._say(f"work   {self._room.told(self._ports is not None, plan.idle)}")
        elif self._ports:
            models = f"http://127.0.0.1:{self._ports.http}/v2/health/ready"
            self._until(lambda: answers(models), MODELS)
        self._until(lambda: answers(f"{address}/api/v1/health/ready"), API)
        for name in self._consumers():
            self._until(self._consumers_are_ready, name)
        if self._scaling is not None:
            self._until(self._scaling.ready, API)
        self._say("ready")
        if plan.browser:
            # A browser in a terminal has that until somebody leaves it.
            threading.Thread(target=self._open, args=(f"{address}/",), daemon=True).start()

    def _scaled(self, room: Room) -> Scaling:
        prefix = f"{self._prefix}{os.getpid()}-"
        local = Local(room, self._plan.idle, self._parts, self._ports, prefix, self._dead.append)
        log = self._folder.log("autoscaler")
        scaling = Scaling(local, self._backend, self._supervisor, log, self._warn)
        scaling.start()
        return scaling

    def _open(self, page: str) -> None:
        if lacking() or not webbrowser.open(page):
            self._warn(f"--open: no browser shows {page}")

    def _until(self, ready: Callable[[], bool], name: str) -> None:
        until(ready, name, self._supervisor, self._stopping)

    def _redis_is_ready(self) -> bool:
        try:
            self._backend.queue.ping()
        except QueueAwayError:  # it loads its file
            return False
        return True

    def _consumers_are_ready(self) -> bool:
        alive = {name.rpartition(".")[0] for name in self._backend.queue.consumers()}
        mine = f"{self._prefix}{os.getpid()}-"
        return {f"{mine}{number}" for number in range(self._plan.consumers)} <= alive

    def _find_models(self) -> None:
        """Have the model server look at its folder: models may have been installed."""
        if self._ports:
            answers(f"http://127.0.0.1:{self._ports.http}/v2/repository/index", b"{}")

    def _bury_predecessors(self) -> None:
        """Take back at once what consumers of an earlier kiosk on this folder had in hand."""
        queue = self._backend.queue
        queues = queue.queues()
        for name in queue.consumers(within=time.time()):
            if name.startswith(self._prefix):
                queue.bury(name, queues)

    def _bury(self) -> None:
        """Take back what dead consumers had in hand, as soon as Redis can be told."""
        queue = self._backend.queue
        while not self._stopping.wait(PAUSE):
            while self._dead:
                try:
                    queue.bury(self._dead[0], queue.queues())
                except CytomillError:
                    break
                self._dead.pop(0)


def _prefix(folder: Path) -> str:
    """What names of the consumers of a folder begin with: several kiosks may share a Redis."""
    place = f"{socket.gethostname()}:{folder.resolve()}"
    return f"serve-{hashlib.sha256(place.encode()).hexdigest()[:12]}-"


def _port(plan: Plan) -> int:
    """The port to listen on, a free one for 0. Raises `OptionError` where it cannot be had."""
    address = address_of(plan.host)
    if plan.free and not ipaddress.ip_address(address).is_loopback:
        raise OptionError(
            f"--no-token: {plan.host} is open to other machines; leave it out, or use "
            "--host 127.0.0.1"
        )
    # Let go at once: the API takes it, and takes it anew when it is started again.
    with listening(address, plan.port) as made:
        return int(made.getsockname()[1])


def _local(host: str) -> str:
    """Where this machine reaches what listens on ``host``, as part of a URL."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
