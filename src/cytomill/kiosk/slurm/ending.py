"""Ending all workers of a kiosk on SLURM."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...scaling.slurm.driver import SlurmDriver

Say = Callable[[str], object]

#: Seconds that workers have to drain, and then to be ended by SLURM.
_DRAIN, _CANCEL = 60.0, 60.0

#: Seconds between two looks.
_PAUSE = 0.2


def end_workers(driver: SlurmDriver, say: Say) -> bool:
    """Have all workers drain and end; those that take too long are ended. Whether all have.

    ``say`` is given what is left to do by hand where SLURM does not answer.
    """
    workers = driver.workers()
    driver.stop(workers)
    if not _gone(driver, _DRAIN):
        driver.cancel(driver.workers())
        if not _gone(driver, _CANCEL):
            told = "; ".join(one.cause for one in driver.troubles())
            say(
                f"{len(driver.workers())} jobs have not ended ({told or 'SLURM is slow'}); "
                f"see to them: squeue --me --name={driver.installation}"
            )
            return False
    if workers:
        say(f"{len(workers)} workers have ended")
    return True


def _gone(driver: SlurmDriver, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while driver.workers():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
