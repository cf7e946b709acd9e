"""What a worker is as a job: the flags of ``sbatch``, and the script that runs it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError

#: In a command, what stands for the name of the worker.
NAME = "\0name"

#: Flags that make a job a worker of this installation, which a user cannot have otherwise.
_OWN = frozenset(
    {
        "--array",
        "-a",
        "--job-name",
        "-J",
        "--comment",
        "--output",
        "-o",
        "--error",
        "-e",
        "--parsable",
        "--signal",
        "--wrap",
        "--wait",
        "-W",
        "--requeue",
        "--no-requeue",
        "--open-mode",
        "--ntasks",
        "-n",
        "--nodes",
        "-N",
        "--export",
        "--export-file",
        "--input",
        "-i",
        "--quiet",
        "-Q",
        "--test-only",
        "--help",
        "-h",
        "--usage",
        "--version",
        "-V",
        "--uid",
        "--gid",
        "--chdir",
        "-D",
        "--time",
        "-t",
        "--cpus-per-task",
        "-c",
        "--begin",
        "-b",
        "--hold",
        "-H",
        "--clusters",
        "-M",
        "--kill-on-invalid-dep",
    }
)


@dataclass(frozen=True, slots=True)
class Container:
    """An Apptainer image that a worker runs in; ``folders`` are seen inside where they are."""

    image: Path
    folders: tuple[Path, ...] = ()
    gpu: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """How workers of a pool are run; ``NAME`` in ``command`` stands for each one's name.

    ``options`` are flags of ``sbatch``, ``environment`` a file of shell assignments that only its
    user can read. A worker is sent SIGTERM ``margin`` seconds before its time is over.
    """

    command: tuple[str, ...]
    options: tuple[str, ...] = ()
    environment: Path | None = None
    container: Container | None = None
    margin: float = 60.0

    def flags(self, count: int, comment: str, logs: Path) -> list[str]:
        """The flags of ``sbatch`` for a batch of so many.

        A job that lost its node is not queued again: whoever wants its worker back asks anew.
        """
        # In the names of files SLURM takes % for its own.
        folder = str(logs).replace("%", "%%")
        return [
            *self.options,
            f"--array=0-{count - 1}",
            f"--comment={comment}",
            f"--output={folder}/%A_%a.log",
            f"--signal=B:TERM@{round(self.margin)}",
            "--no-requeue",
            "--open-mode=append",
            "--nodes=1",
            "--ntasks=1",
        ]

    def script(self, names: Sequence[str]) -> str:
        """The script of a batch of workers with these names."""
        lines = ["#!/bin/sh", "umask 077", f"set -- {' '.join(map(shlex.quote, names))}"]
        lines += ['shift "$SLURM_ARRAY_TASK_ID"', 'name="$1"']
        if self.environment is not None:
            lines += ["set -a", f". {shlex.quote(str(self.environment))} || exit 78", "set +a"]
        if self.container is not None:
            lines += _FIND_ENGINE
        command = [*_inside(self.container), *self.command]
        # It takes the place of the shell: what SLURM and `scancel --batch` send is for it.
        lines.append(f"exec {command_line(command)}")
        return "\n".join(lines) + "\n"


def extra(text: str) -> tuple[str, ...]:
    """Flags of ``sbatch`` that a user adds, of one text; raises `OptionError`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise OptionError(f"--extra {text!r}: has a quote without an end") from error
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            raise OptionError(
                f"--extra: {word!r} is no flag of sbatch; join its value with '=', such as "
                "--extra='--constraint=a100 --mem=16G'"
            )
        name = word.split("=")[0] if word.startswith("--") else word[:2]
        # Long flags may be shortened, as far as they are not those of others.
        shortened = name.startswith("--") and len(name) > 3
        if name in _OWN or (shortened and any(one.startswith(name) for one in _OWN)):
            raise OptionError(f"--extra: {name} is Cytomill's own; leave it out")
    return tuple(words)


_ENGINE = "\0engine"

_FIND_ENGINE = [
    "for engine in apptainer singularity none; do",
    '    command -v "$engine" >/dev/null 2>&1 && break',
    "done",
    'if [ "$engine" = none ]; then',
    '    echo "neither apptainer nor singularity is on $(hostname)" >&2',
    "    exit 127",
    "fi",
]


def _inside(container: Container | None) -> list[str]:
    if container is None:
        return []
    binds = [word for one in container.folders for word in ("--bind", str(one))]
    return [_ENGINE, "exec", *(["--nv"] if container.gpu else []), *binds, str(container.image)]


def command_line(words: Sequence[str]) -> str:
    """A command as a line of a job's script; `NAME` in it is the worker's name."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    return {NAME: '"$name"', _ENGINE: '"$engine"'}.get(word) or shlex.quote(word)
