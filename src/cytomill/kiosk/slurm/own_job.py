"""A kiosk in a job of its own: asked for, and waited for until it serves."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from ...errors import CytomillError, Interrupted, OptionError
from ...scaling.slurm.commands import Commands
from ...scaling.slurm.driver import RECORD
from ...scaling.slurm.faults import AwayError, SlurmError, waiting
from ...scaling.slurm.job import command_line
from ...scaling.slurm.logs import last_words
from ...scaling.slurm.parsing import Row
from ...scaling.slurm.record import Record
from ...scaling.snapshot import State
from ...signals import asked_to_stop
from ..serve_folder import DataFolder
from .plan import Flags, Plan
from .site import Running, Site

Say = Callable[[str], object]

#: Seconds between two looks: at the folder, and at the job.
_PAUSE, _LOOK = 0.5, 5.0

#: Seconds before its time is over at which a kiosk has its workers end, and stops.
_MARGIN = 180

#: Processors: for the queue, the API and the autoscaler.
_CPUS = 2


def kiosk_name(record: Record) -> str:
    """What the job of a kiosk is called."""
    return f"{record.name}-kiosk"


def is_inside(data: Path) -> bool:
    """Whether this process is the kiosk of ``data`` in a job of its own."""
    record = data / "slurm" / RECORD
    named = os.environ.get("SLURM_JOB_NAME", "").startswith("cytomill-")
    return named and os.environ["SLURM_JOB_NAME"] == kiosk_name(Record.open(record))


def up_as_job(plan: Plan, flags: Flags, words: Sequence[str], say: Say, warn: Say) -> None:
    """Ask for the job of a kiosk, and wait until it serves; ``words`` are its command line.

    ``say`` is given its address, where its token is, and why it waits. Stopped before that, the job
    is cancelled. Raises `OptionError` where SLURM refuses it, `CytomillError` where it ends.
    """
    folder = DataFolder(plan.data)
    folder.make(warn)
    site = Site(folder.path / "slurm")
    if (there := site.running()) is not None:
        raise OptionError(
            f"--data {plan.data}: has a kiosk already, on {there.host}; stop it with: cytomill "
            f"down slurm --data {plan.data}"
        )
    with folder.lock():  # nobody else is about to start one here
        site.make()
        record = Record.open(site.path / RECORD)
    commands = Commands(kiosk_name(record))
    job = _submit(commands, flags, folder.logs, words)
    say(f"job    {job}")
    stopping = Event()
    with asked_to_stop(stopping.set):
        try:
            running = _wait(commands, site, job, stopping, say, folder.logs)
        except BaseException:
            commands.cancel([job])
            raise
    say(f"kiosk  {running.address}")
    say(f"data   {folder.path}")
    say(f"token  in {folder.token}")
    say("ready")


def _submit(commands: Commands, flags: Flags, logs: Path, words: Sequence[str]) -> str:
    options = [
        f"--cpus-per-task={_CPUS}",
        *flags.words(),
        f"--output={str(logs).replace('%', '%%')}/kiosk-%j.log",
        f"--signal=B:TERM@{_MARGIN}",
        "--no-requeue",
        "--nodes=1",
        "--ntasks=1",
    ]
    line = command_line([sys.executable, "-u", "-m", "cytomill", *words])
    script = f"#!/bin/sh\numask 077\nexec {line}\n"
    try:
        return commands.submit(options, script)
    except SlurmError as error:
        raise OptionError(str(error)) from error


def _wait(
    commands: Commands, site: Site, job: str, stopping: Event, say: Say, logs: Path
) -> Running:
    """Until the kiosk serves, saying why it does not."""
    told, looked = "", float("-inf")
    while True:
        running = site.running()
        if running is not None and running.job == job:
            return running
        if stopping.wait(_PAUSE):
            raise Interrupted(f"stopped; job {job} is cancelled")
        if time.monotonic() - looked < _LOOK:
            continue
        looked = time.monotonic()
        try:
            row = next((one for one in commands.look() if one.id == job), None)
        except AwayError as error:
            words = str(error)
        else:
            words = _told(row, job, logs)
        if words != told:
            told = words
            say(f"waits  {words}")


def _told(row: Row | None, job: str, logs: Path) -> str:
    """Why the job does not serve yet. Raises `CytomillError` where it never will."""
    log = logs / f"kiosk-{job}.log"
    if row is None or row.stage in (None, State.DRAINING):
        words = last_words(log) or "it said nothing"
        state = row.state if row is not None else "gone"
        raise CytomillError(f"job {job} of the kiosk is {state}: {words}; see {log}")
    if row.stage is State.ASKED:
        fault = waiting(row.reason)
        return fault.cause if fault.soon else f"{fault.cause}; {fault.advice}"
    return f"it starts on {row.node}"
