"""Programs run as a user runs them, with their time and the memory they take."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Seconds between two looks at the memory of a program.
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended well.

    ``seconds`` of wall time; ``output`` is its standard output. ``peak`` are the bytes in memory
    of the program and all it started, at their most, shared pages and mapped files included.
    """

    seconds: float
    output: str
    peak: int


def cytomill(*arguments: object) -> list[str]:
    """The command line of ``cytomill`` as it is installed beside this Python."""
    script = Path(sys.executable).with_name("cytomill")
    program = [str(script)] if script.exists() else [sys.executable, "-m", "cytomill"]
    return [*program, *(str(argument) for argument in arguments)]


def run(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Ran:
    """Run ``command`` to its end, ``settings`` added to the environment.

    Settings of Cytomill in our own environment are not passed on. Ends the benchmark where the
    command fails; its messages are then on the screen.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CYTOMILL_")}
    begun = time.perf_counter()
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**inherited, **(settings or {})}
    )
    watch = _Watch(program.pid)
    output, _ = program.communicate()
    seconds = time.perf_counter() - begun
    peak = watch.end()
    if program.returncode:
        sys.exit(f"{' '.join(command)}: exit code {program.returncode}")
    return Ran(seconds, output, peak)


@dataclass(frozen=True, slots=True)
class Segmented(Ran):
    """A ``cytomill run`` that has done all its inputs; ``manifest`` is what it wrote of them."""

    manifest: dict[str, Any]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What the manifest says of each input."""
        entries: list[dict[str, Any]] = self.manifest["inputs"]
        return entries

    @property
    def device(self) -> str:
        """Which weights ran on what."""
        return ", ".join(self.manifest["models"]["nuclei"]["ran"])


def segment(
    images: Path, out: Path, *options: object, settings: Mapping[str, str] | None = None
) -> Segmented:
    """Run ``cytomill run`` over ``images`` into ``out``, which is emptied before."""
    shutil.rmtree(out, ignore_errors=True)
    ran = run(cytomill("run", images, "-o", out, "--quiet", *options), settings)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    return Segmented(ran.seconds, ran.output, ran.peak, manifest)


class _Watch:
    """Looks at a process and its descendants until told to end.

    The kernel's own record, ``ru_maxrss`` of the child, starts from the memory of the parent that
    forked it; what ``/proc`` keeps (``VmHWM``) starts from nothing when a program is loaded.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> int:
        """The peak in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._done.wait(_PAUSE):
            now = [_memory(pid) for pid in _family(self._pid)]
            together = sum(resident for resident, _ in now)
            self._peak = max(self._peak, together, *(most for _, most in now), 0)


def _family(pid: int) -> list[int]:
    """A process and its descendants, as far as they are still there."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _memory(pid: int) -> tuple[int, int]:
    """Bytes of a process in memory, now and at their most; 0 where it is gone."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
        if "VmRSS" in fields:
            now, most = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
            return now, most
    return 0, 0
