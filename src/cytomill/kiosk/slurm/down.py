"""Stopping a kiosk on SLURM, wherever it runs, and what one that was killed has left."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...errors import CytomillError, InputError
from ...scaling.slurm.commands import Commands
from ...scaling.slurm.driver import RECORD, SlurmDriver
from ...scaling.slurm.faults import AwayError
from ...scaling.slurm.record import Record
from ..serve_folder import DataFolder
from .ending import end_workers
from .own_job import kiosk_name
from .site import Running, Site

Say = Callable[[str], object]

#: Seconds that a kiosk has to stop, its workers included.
_PATIENCE = 240.0

#: Seconds between two looks.
_PAUSE = 0.3


def down(data: Path, say: Say) -> None:
    """Stop the kiosk of the folder ``data``, and end all jobs that are its own.

    Raises `InputError` where there never was one, `OptionError` where one is just being started on
    this machine, and `CytomillError` where it does not stop, or jobs do not end.
    """
    folder = DataFolder(data)
    site = Site(folder.path / "slurm")
    if not (site.path / RECORD).is_file():
        raise InputError(data, "is not the folder of a kiosk on SLURM", "name it with --data")
    if (running := site.running()) is not None:
        _stop(site, running, say)
    with folder.lock():
        record = Record.open(site.path / RECORD)
        _cancel_kiosk(record, say)
        driver = SlurmDriver(site.path, {}, say=say)
        try:
            if not end_workers(driver, say):
                raise CytomillError("not all jobs have ended; run the same command again")
        finally:
            driver.close()
        site.ended()
    say("stopped")


def _stop(site: Site, running: Running, say: Say) -> None:
    where = f"job {running.job} on {running.host}" if running.job else running.host
    say(f"stopping the kiosk on {where}")
    site.ask_to_stop()
    end = time.monotonic() + _PATIENCE
    while site.running() is not None:
        if time.monotonic() > end:
            raise CytomillError(
                f"the kiosk on {where} (process {running.process}) does not stop; end it there, "
                "then run this again"
            )
        time.sleep(_PAUSE)


def _cancel_kiosk(record: Record, say: Say) -> None:
    """End the jobs that the kiosk itself was to run in."""
    commands = Commands(kiosk_name(record))
    try:
        jobs = [row.id for row in commands.look() if row.stage is not None]
        if jobs:
            commands.cancel(jobs)
            say(f"job {', '.join(jobs)} of the kiosk is ended")
    except AwayError as error:
        with suppress(CytomillError):
            say(str(error))
