"""What SLURM's commands print, and what it reads, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import OptionError
from ..snapshot import State

#: What ``squeue`` prints of a job. The reason is last: alone it may have a ``|`` in it.
FORMAT = "%i|%T|%V|%S|%e|%N|%k|%r"

#: What ``sacct`` prints of a job.
FIELDS = "JobID,State"

#: States of jobs that have no place yet, of those that have one, and of those that end.
_ASKED = frozenset(
    ["PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"]
)
_PLACED = frozenset(["CONFIGURING", "RUNNING", "RESIZING", "STAGE_OUT", "STOPPED", "SUSPENDED"])
_ENDING = frozenset(["COMPLETING", "SIGNALING"])


@dataclass(frozen=True, slots=True)
class Row:
    """A job, as SLURM tells of it; times are in seconds since 1970, None where not known.

    ``id`` is that of one job of an array: ``1234_5``. ``begun`` of a job that waits is when SLURM
    thinks that it begins.
    """

    id: str
    state: str
    submitted: float | None
    begun: float | None
    ends: float | None
    node: str
    comment: str
    reason: str

    @property
    def stage(self) -> State | None:
        """How far its worker is; None where it has ended.

        What is left of one that completes can take nothing new.
        """
        if self.state in _ASKED:
            return State.ASKED
        if self.state in _PLACED:
            return State.STARTING
        return State.DRAINING if self.state in _ENDING else None


def rows(text: str) -> list[Row]:
    """What ``squeue`` printed in `FORMAT`, with times in seconds; lines that are none are left."""
    found = []
    for line in text.splitlines():
        parts = line.split("|", 7)
        if len(parts) == 8 and parts[1].isupper():
            name, state, submitted, begun, ends, node, comment, reason = map(str.strip, parts)
            times = (_time(submitted), _time(begun), _time(ends))
            found.append(Row(name, state, *times, node, comment, reason))
    return found


def ends(text: str) -> dict[str, str]:
    """The states of jobs, by their ids, from what ``sacct`` printed: ``CANCELLED by 0`` and so on.

    Steps of jobs are left out.
    """
    pairs = (line.split("|") for line in text.splitlines() if line.count("|") == 1)
    return {name: state.split()[0] for name, state in pairs if "." not in name and state}


def submitted(text: str) -> str:
    """The id of the array that ``sbatch --parsable`` printed, empty where it did not."""
    match = re.search(r"^(\d+)(?:;\S+)?\s*$", text, re.MULTILINE)
    return match[1] if match else ""


def seconds(text: str) -> float:
    """A time limit as ``sbatch --time`` has it, in seconds.

    ``M``, ``M:S``, ``H:M:S``, ``D-H``, ``D-H:M`` or ``D-H:M:S``. Raises `OptionError` for others,
    and for those of which a worker could make no use: less than a minute, or none.
    """
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text.strip())
    if match is None:
        raise OptionError(f"--time {text}: is no time; write 4:00:00 for four hours")
    days, *rest = (int(part) if part else None for part in match.groups())
    if days is not None or rest[2] is not None:
        hours, minutes, second = (part or 0 for part in rest)
    else:
        hours, minutes, second = 0, rest[0] or 0, rest[1] or 0
    found = float((((days or 0) * 24 + hours) * 60 + minutes) * 60 + second)
    if found < 60:
        raise OptionError(f"--time {text}: is less than a minute; write 4:00:00 for four hours")
    return found


def _time(text: str) -> float | None:
    return float(text) if text.isdigit() else None
