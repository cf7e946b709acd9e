"""The commands of SLURM, each an argument list."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence

from . import parsing
from .faults import AwayError, Fault, absence, refusal
from .parsing import Row

#: Seconds that a command may take: a controller that is busy may need many.
_PATIENCE = 40.0

#: Jobs that one ``scancel`` is given: each is a message to the controller.
_MOST = 200

#: Variables of a job, and defaults of commands, that must not be those of jobs that it asks for.
_FOREIGN = re.compile(r"(CYTOMILL|SLURM|SLURMD|SBATCH|SQUEUE|SCANCEL|SACCT)_")

#: Of these, those that say where SLURM is, and what a user always wants.
_KEPT = frozenset(
    ["SLURM_CONF", "SBATCH_ACCOUNT", "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_RESERVATION"]
)


class Commands:
    """SLURM as its user sees it, and of it the jobs with the name ``name``.

    Every method raises `AwayError` where SLURM does not answer. ``environment`` is what the
    commands see, and with it the jobs.
    """

    def __init__(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        self._name = name
        given = os.environ if environment is None else environment
        self._environment = {
            key: value for key, value in given.items() if key in _KEPT or not _FOREIGN.match(key)
        }

    def submit(self, options: Sequence[str], script: str) -> str:
        """Ask for the jobs of ``script``; returns the id of their array.

        Raises `RefusedError` where SLURM does not take them.
        """
        # The name is last: what a user adds cannot change whose jobs they are.
        words = ["sbatch", "--parsable", *options, f"--job-name={self._name}"]
        done = self._run(words, script)
        if done.returncode == 0 and (found := parsing.submitted(done.stdout)):
            return found
        raise refusal(done.stderr)

    def test(self, options: Sequence[str], script: str) -> None:
        """Ask whether SLURM would take a job; raises `RefusedError` where it would not."""
        done = self._run(["sbatch", "--test-only", *options, f"--job-name={self._name}"], script)
        if done.returncode:
            raise refusal(done.stderr)

    def look(self) -> list[Row]:
        """The jobs there are, with those that ended some minutes ago."""
        words = ["squeue", "--array", "--noheader", "--states=all", f"--format={parsing.FORMAT}"]
        words += [f"--name={self._name}", f"--user={os.getuid()}"]
        return parsing.rows(self._asked(words, SLURM_TIME_FORMAT="%s"))

    def ended(self, jobs: Collection[str]) -> dict[str, str]:
        """How jobs ended that ``look`` does not tell of any more; empty without accounting."""
        words = ["sacct", "--array", "--noheader", "--parsable2", f"--format={parsing.FIELDS}"]
        words += [f"--jobs={','.join(sorted(jobs))}"]
        try:
            done = self._run(words)
        except AwayError:  # no sacct, or no database: some clusters have none
            return {}
        return parsing.ends(done.stdout) if done.returncode == 0 else {}

    def cancel(self, jobs: Sequence[str]) -> set[str]:
        """End jobs, those that run too; returns those of which SLURM says that it could not."""
        return self._scancel(jobs, [])

    def terminate(self, jobs: Sequence[str]) -> set[str]:
        """Send the worker of each job SIGTERM; returns those of which SLURM says it could not."""
        return self._scancel(jobs, ["--batch", f"--signal={signal.SIGTERM.name[3:]}"])

    def _scancel(self, jobs: Sequence[str], options: Sequence[str]) -> set[str]:
        left: set[str] = set()
        for first in range(0, len(jobs), _MOST):
            some = jobs[first : first + _MOST]
            done = self._run(["scancel", *options, *some])
            if (away := absence(done.stderr)) is not None:
                raise away
            left |= set(re.findall(r"job id (\S+?):", done.stderr)) & set(some)
        return left

    def _asked(self, words: Sequence[str], **variables: str) -> str:
        done = self._run(words, **variables)
        if done.returncode:
            fault = Fault(f"SLURM: {words[0]} fails ({done.stderr.strip()[:200]})", "run it")
            raise absence(done.stderr) or AwayError(fault)
        return done.stdout

    def _run(
        self, words: Sequence[str], given: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                words,
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                env=self._environment | variables,
                check=False,
                # Ctrl-C is for whoever calls this, which then has something to say to SLURM.
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            said = error.stderr or b""
            told = said.decode(errors="replace") if isinstance(said, bytes) else said
            fault = Fault(
                f"SLURM: {words[0]} does not answer within {_PATIENCE:g} s",
                "ask the cluster's operators if this lasts",
            )
            if "sleeping and retrying" in told:  # it said no, so far
                raise refusal(told) from error
            raise AwayError(fault, unsure=True) from error
        except FileNotFoundError as error:
            raise AwayError(
                Fault(
                    f"SLURM: the command {words[0]} is not on this machine",
                    "run this on a login node of the cluster",
                ),
                absent=True,
            ) from error
        except OSError as error:
            fault = Fault(f"SLURM: {words[0]} cannot be run ({error.strerror})", "see to that")
            raise AwayError(fault) from error
