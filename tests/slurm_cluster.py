"""A real SLURM cluster on this machine, for tests: a controller and several nodes.

It has its own folder, its own ports and its own munge; a SLURM of the system is not touched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cytomill.kiosk import tied

from .conftest import missing

PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol", "slurmctld", "slurmd", "munged")

#: Seconds after which a test has hung.
PATIENCE = 120.0

#: What every node has, and the jobs that may be in the partition `short` at once.
CPUS, MEMORY = 4, 16_000

_CONFIG = """\
ClusterName=test
SlurmctldHost=localhost
SlurmctldAddr=127.0.0.1
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobSubmitPlugins=lua
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=6
MessageTimeout=5
KillWait=5
InactiveLimit=0
MaxArraySize=1001
NodeName=n[0-{last}] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[{first}-{end}] CPUs={cpus} \
RealMemory={memory}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=01:00:00 State=UP
PartitionName=short Nodes=ALL MaxTime=1 DefaultTime=1 State=UP
PartitionName=down Nodes=ALL State=DOWN
"""

#: What a database of accounts would have the controller say. It is a service of its own, with a
#: database server: a plugin of the controller says the same.
_SUBMIT = """\
function slurm_job_submit(job, partitions, user)
    local file = io.open("{folder}/refuses")
    local why = file and file:read("*l") or ""
    if file then file:close() end
    if why == "account" or job.account == "not-mine" then return slurm.ESLURM_INVALID_ACCOUNT end
    local most = tonumber(why)
    if most and tonumber(string.match(job.array_inx or "0-0", "%d+$")) >= most then
        return slurm.ESLURM_ACCOUNTING_POLICY
    end
    return slurm.SUCCESS
end

function slurm_job_modify(change, job, partitions, user)
    return slurm.SUCCESS
end
"""


@dataclass
class Cluster:
    """A cluster that runs: commands find it by ``environment``."""

    folder: Path
    nodes: int
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What commands of SLURM need to find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    @property
    def variables(self) -> dict[str, str]:
        """All that a user of it has in the environment."""
        return {"PATH": "/usr/bin:/bin", **self.environment}

    def run(self, *words: object) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(
            list(map(str, words)),
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def jobs(self, *states: str) -> list[str]:
        """Ids of the jobs that have not ended, those in ``states`` where any are named."""
        wanted = [f"--states={','.join(states)}"] if states else []
        return self.run("squeue", "--array", "--noheader", "--format=%i", *wanted).split()

    def states(self) -> dict[str, str]:
        """The state of each node."""
        lines = self.run("sinfo", "--noheader", "--Node", "--partition=main", "--format=%N %T")
        return dict(map(str.split, lines.splitlines()))

    def node_of(self, job: str) -> int:
        """The number of the node that a job runs on."""
        return int(self.run("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip()[1:])

    def start_controller(self) -> None:
        """Start slurmctld, and wait until it answers."""
        self._start("slurmctld", "slurmctld", "-D", "-f", self.folder / "slurm.conf")

        def answers() -> bool:
            asked = ["scontrol", "ping"]
            environment = {**os.environ, **self.environment}
            told = subprocess.run(asked, env=environment, capture_output=True, timeout=PATIENCE)
            return b"is UP" in told.stdout

        self._until(answers, "slurmctld")

    def stop_controller(self) -> None:
        """End slurmctld; its jobs go on."""
        self._end("slurmctld")

    def start_munge(self) -> None:
        """Start munged."""
        place = self.folder / "munge"
        words = ["munged", "--foreground", f"--socket={place}/socket", f"--key-file={place}/key"]
        words += [f"--pid-file={place}/pid", f"--seed-file={place}/seed"]
        words += [f"--log-file={place}/log", "--num-threads=2"]
        self._start("munged", *words)
        self._until((place / "socket").exists, "munged")

    def stop_munge(self) -> None:
        """End munged: nobody can sign anything."""
        self._end("munged")
        (self.folder / "munge/socket").unlink(missing_ok=True)

    def start_node(self, number: int) -> None:
        """Start a node."""
        name = f"n{number}"
        self._start(name, "slurmd", "-D", "-N", name, "-f", self.folder / "slurm.conf")

    def kill_node(self, number: int) -> None:
        """A node is gone: its slurmd, and all that ran there."""
        name = f"n{number}"
        daemon = self.daemons.pop(name)
        here = [*_below(daemon.pid), *self._of_node(name)]
        daemon.kill()
        for process in here:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        daemon.wait(PATIENCE)

    def wait_for_nodes(self) -> None:
        """Until all nodes can be used."""
        self._until(lambda: set(self.states().values()) == {"idle"}, "the nodes")

    def refuse(self, why: object) -> None:
        """Refuse jobs: those of every "account", or arrays of more jobs than a number."""
        (self.folder / "refuses").write_text(f"{why}\n")

    def accept(self) -> None:
        """Undo `refuse`."""
        (self.folder / "refuses").unlink(missing_ok=True)

    def cancel_all(self) -> None:
        """End all jobs."""
        if "slurmctld" in self.daemons and "munged" in self.daemons:
            with contextlib.suppress(AssertionError):
                # Killed, for nobody waits for what they would still do.
                self.run("scancel", "--signal=KILL", "--full", "--user", os.getuid())
                self.run("scancel", "--user", os.getuid())
                self._until(lambda: not self.jobs(), "the end of the jobs")

    def start(self) -> None:
        """Start everything."""
        self.start_munge()
        for number in range(self.nodes):
            self.start_node(number)
        self.start_controller()
        self.wait_for_nodes()

    def stop(self) -> None:
        """End everything, with all that jobs have started."""
        left = [process for name in self.daemons for process in self._of_node(name)]
        left += [process for one in self.daemons.values() for process in _below(one.pid)]
        for name in [*self.daemons]:
            self._end(name)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _of_node(self, name: str) -> list[psutil.Process]:
        """The processes of the jobs of a node: they are not below its slurmd."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environment = process.environ()
                ours = environment.get("SLURM_CONF") == str(self.folder / "slurm.conf")
                if ours and environment.get("SLURMD_NODENAME") == name:
                    parent = process.parent()
                    found += [process, *([parent] if _is_stepd(parent) else [])]
        return [one for one in found if one is not None]

    def _start(self, name: str, *words: object) -> None:
        # Tied to the thread of the tests, so that nothing outlives tests that are killed.
        log = (self.folder / f"{name}.out").open("ab")
        with log:
            self.daemons[name] = subprocess.Popen(
                [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def _end(self, name: str) -> None:
        daemon = self.daemons.pop(name, None)
        if daemon is None:
            return
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(PATIENCE)

    def _until(self, holds: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            for name, daemon in self.daemons.items():
                said = self.folder / f"{name}.out"
                assert daemon.poll() is None, f"{name} ended: {said.read_text()}"
            assert time.monotonic() < end, f"{what} is not there"
            time.sleep(0.1)


@contextmanager
def cluster(nodes: int = 4) -> Iterator[Cluster]:
    """A cluster of so many nodes, which has ended when the block has."""
    for program in PROGRAMS:
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            missing(f"the program {program} is not installed (apt install slurm-wlm munge)")
    if os.getuid():
        missing("only the superuser can start a cluster of several nodes on one machine")
    # A short path, for munge listens on a socket in it; one that others may enter, as munge asks.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/var/tmp"))
    made = Cluster(folder, nodes)
    try:
        folder.chmod(0o755)
        for name in ("state", "munge", *(f"spool-n{number}" for number in range(nodes))):
            (folder / name).mkdir(mode=0o755)
        key = folder / "munge/key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        controller, *ports = _ports(nodes)
        text = _CONFIG.format(
            folder=folder,
            user="root",
            controller=controller,
            first=ports[0],
            end=ports[-1],
            last=nodes - 1,
            cpus=CPUS,
            memory=MEMORY,
        )
        (folder / "slurm.conf").write_text(text)
        (folder / "job_submit.lua").write_text(_SUBMIT.replace("{folder}", str(folder)))
        made.start()
        yield made
        made.cancel_all()
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _ports(nodes: int) -> list[int]:
    """A free port for the controller, then free ports in a row for the nodes."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            # Below those that the system gives to connections, so that none takes them first.
            first = 12_000 + one.getsockname()[1] % 18_000
        ports = range(first, first + nodes + 1)
        if all(map(_is_free, ports)):
            return [*ports]


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _below(pid: int) -> Sequence[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return ()


def _is_stepd(process: psutil.Process | None) -> bool:
    with contextlib.suppress(psutil.Error):
        return process is not None and process.name() == "slurmstepd"
    return False
