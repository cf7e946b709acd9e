"""A kiosk on SLURM: its parts started in order, its workers driven, all of it stopped in order."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from ...errors import CytomillError, OptionError
from ...inference.server.listening import address_of, listening
from ...inference.server.listening import url as address_url
from ...jobs.errors import QueueAwayError
from ...scaling.autoscaler import Autoscaler
from ...scaling.policies import policy
from ...scaling.slurm.commands import Commands
from ...scaling.slurm.driver import RECORD, SlurmDriver
from ...scaling.slurm.faults import AwayError, RefusedError
from ...scaling.slurm.job import Job
from ...scaling.slurm.record import Record
from ...settings import Settings
from ...signals import asked_to_stop
from ..backend import Backend
from ..built_page import lacking
from ..serve_folder import DataFolder
from ..serve_parts import API, REDIS, Parts
from ..serve_token import admin_token
from ..starting import Stopped, allow_open_files, answers, until
from ..supervisor import Program, Supervisor
from . import queue_server
from .ending import end_workers
from .network import address
from .plan import Plan
from .site import Running, Site
from .workers import jobs, pools, variables

Say = Callable[[str], object]

#: Seconds between two times that it says that it lives, and looks whether it is to stop.
_BEAT, _LOOK = 5.0, 0.5

#: Seconds that Redis has to write its file to disk.
_PATIENCE = 60.0


def up(plan: Plan, settings: Settings, say: Say, warn: Say) -> None:
    """Serve until SIGTERM, SIGINT or ``down``, then have all workers end, and stop.

    ``say`` is given the address, the token when it is new, and ``ready`` once jobs are taken;
    ``warn`` what went wrong. A Redis or a bucket that the settings name is used. Raises
    `OptionError` for what cannot be asked for, and `CytomillError` for a part that does not start.
    """
    folder = DataFolder(plan.data)
    folder.make(warn)
    stopping = threading.Event()
    with folder.lock() as lock, asked_to_stop(stopping.set):
        allow_open_files()
        site = Site(folder.path / "slurm")
        site.make()
        with Supervisor(warn, held=lock) as supervisor:
            try:
                _Kiosk(plan, settings, folder, site, supervisor, stopping, say, warn).run()
            finally:
                site.ended()


class _Kiosk:
    """A kiosk that is being started, runs, or is being stopped."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        folder: DataFolder,
        site: Site,
        supervisor: Supervisor,
        stopping: threading.Event,
        say: Say,
        warn: Say,
    ) -> None:
        self._plan, self._folder, self._site = plan, folder, site
        self._supervisor, self._stopping = supervisor, stopping
        self._say, self._warn = say, warn
        self._own_redis = "CYTOMILL_REDIS" not in os.environ
        self._policy = policy(plan.policy, plan.within, plan.budget)
        here = address(plan.address) if self._own_redis or plan.inside else "127.0.0.1"
        self._host = plan.host or (here if plan.inside else "127.0.0.1")
        self._port = self._port_of("api", address_of(self._host), plan.port, "--port")
        if self._own_redis:
            redis_port = self._port_of("redis", here, plan.redis_port, "--redis-port")
            words = queue_server.command(site, folder.redis, here, redis_port, site.password())
            log = folder.log(REDIS)
            self._redis = Program(REDIS, lambda _: words, dict(os.environ), log, _PATIENCE)
            settings = replace(settings, redis=queue_server.url(here, redis_port, site.password()))
        own_bucket = "CYTOMILL_BUCKET" not in os.environ
        self._settings = replace(
            settings,
            bucket=str(folder.bucket) if own_bucket else settings.bucket,
            audit=settings.audit or str(folder.audit),
            model_server="queue" if plan.max_model_servers else settings.model_server,
        )
        self._backend = Backend.of(self._settings)
        if plan.policy == "budget" and self._backend.price is None:
            raise OptionError(
                "--policy budget: nothing says what workers cost; set CYTOMILL_PRICE, such as "
                "0.12 EUR for an hour of a processor"
            )
        self._pools = pools(plan, self._backend.price)
        self._jobs = jobs(plan, self._settings, site.environment)
        self._url = address_url("http", _local(self._host), self._port)

    def run(self) -> None:
        """Start, serve, stop."""
        self._try_jobs()
        self._site.write_environment(variables(self._settings))
        driver = SlurmDriver(self._site.path, self._jobs, say=self._warn)
        ended = threading.Event()
        autoscaler = threading.Thread(target=self._scale, args=(driver, ended), name="autoscaler")
        try:
            self._start()
            autoscaler.start()
            self._say("ready")
            self._serve()
        except Stopped:
            pass
        finally:
            ended.set()
            if autoscaler.ident is not None:
                autoscaler.join()
            self._say("stopping: workers finish what they have in hand, or give it back")
            self._supervisor.stop(API)
            end_workers(driver, self._say)
            driver.close()
            self._backend.redis.close()
            self._supervisor.stop(REDIS)

    def _try_jobs(self) -> None:
        """Ask SLURM whether it would take such jobs: the first ones may be wanted at night."""
        name = Record.open(self._site.path / RECORD).name
        for pool, job in self._jobs.items():
            try:
                Commands(name).test(job.options, Job((":",)).script([pool]))
            except RefusedError as error:
                if not error.fault.fewer:
                    raise OptionError(f"{pool}: {error}") from error
            except AwayError as error:
                if error.absent:
                    raise OptionError(str(error)) from error
                self._warn(f"{error}; it is tried again when there is work")

    def _start(self) -> None:
        supervisor = self._supervisor
        if self._own_redis:
            supervisor.start(self._redis)
            until(self._redis_is_ready, REDIS, supervisor, self._stopping)
        token = admin_token(self._backend, self._folder)
        parts = Parts(self._folder, self._settings, self._plan.device, "")
        supervisor.start(parts.api(self._host, self._port, free=False))
        self._say(f"kiosk  {self._url}")
        unbuilt = lacking()
        self._say(f"page   {f'not built: {unbuilt}' if unbuilt else f'{self._url}/'}")
        self._say(f"data   {self._folder.path}")
        self._say(f"slurm  {_told(self._plan)}")
        if token:
            self._say(f"token  {token}  (of an administrator; kept in {self._folder.token})")
        ready = f"{self._url}/api/v1/health/ready"
        until(lambda: answers(ready), API, supervisor, self._stopping)

    def _serve(self) -> None:
        """Until somebody wants it to stop, here or by ``down`` on another machine."""
        job = os.environ.get("SLURM_JOB_ID", "") if self._plan.inside else ""
        here = Running(socket.gethostname(), os.getpid(), self._url, job)
        said = float("-inf")
        while not self._stopping.wait(_LOOK) and not self._site.is_to_stop():
            if time.monotonic() - said > _BEAT:
                said = time.monotonic()
                try:
                    self._site.runs(here)
                except CytomillError as error:  # a full disk: what runs goes on
                    self._warn(str(error))

    def _scale(self, driver: SlurmDriver, ended: threading.Event) -> None:
        autoscaler = Autoscaler(
            self._backend.redis,
            self._pools,
            self._policy,
            driver,
            self._say,
            engine="SLURM",
            currency=self._backend.price.currency if self._backend.price else "",
        )
        try:
            autoscaler.run(ended)
        except CytomillError as error:
            self._warn(str(error))
            self._stopping.set()

    def _port_of(self, name: str, where: str, asked: int | None, option: str) -> int:
        """The port of a part: the one asked for, the one of the last time, or a free one."""
        kept = self._site.port(name)
        if asked is None and kept:
            try:
                with listening(where, kept):
                    return kept
            except OptionError:
                self._warn(f"port {kept} of the last time is in use; another is taken")
        # Let go at once: the part takes it, and takes it anew when it is started again.
        with listening(where, asked or 0, option) as made:
            port = int(made.getsockname()[1])
        self._site.keep_port(name, port)
        return port

    def _redis_is_ready(self) -> bool:
        try:
            self._backend.queue.ping()
        except QueueAwayError:  # it loads its file
            return False
        return True


def _told(plan: Plan) -> str:
    """What workers there may be, in words."""
    most = [_several(plan.max_consumers, "consumer")]
    if plan.max_model_servers:
        most.append(_several(plan.max_model_servers, "model server"))
    threads = _several(plan.threads, "thread")
    return f"up to {' and '.join(most)} of {threads}, by the policy {plan.policy}"


def _several(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _local(host: str) -> str:
    """Where this machine reaches what listens on ``host``."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
