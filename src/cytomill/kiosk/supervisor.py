"""Keeps programs running: starts them again when they die, if they are kept; stops them in order.

A program is a process with a process group of its own, so that Ctrl-C at the terminal reaches the
supervisor alone, and what a dead one left behind can be ended. All die with the supervisor, even
when that is killed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds until a dead program is started again: at first, and at most when it keeps dying.
_SOON, _LATE = 0.1, 5.0

#: Seconds that a program must have lived so that its death is the first of a row.
_LIVED = 5.0

#: Bytes of a log above which it is put aside at the next start.
_LOG_BYTES = 20 * 2**20

#: Bytes of a log's end in which its last line is looked for.
_END_BYTES = 4096

_TIED = Path(__file__).with_name("tied.py")

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Program:
    """A program to keep running.

    ``command`` makes the command line of start number 0, 1, and so on; ``environment`` is all that
    the program sees. When told to stop it has ``patience`` seconds. ``died`` is called with the
    number of a start that ended unasked, before the next; there is none where it is not ``kept``.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str]
    log: Path
    patience: float = 30.0
    died: Callable[[int], None] = lambda number: None
    kept: bool = True


@dataclass(slots=True)
class _Kept:
    """A program and how it fares; changed under the supervisor's lock."""

    program: Program
    thread: threading.Thread | None = None
    process: subprocess.Popen[bytes] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    deaths: int = 0
    words: str = ""


class Supervisor:
    """Keeps programs running until it is told to stop; use it as a context.

    ``say`` is given a line for each death. The file descriptor ``held`` is open in every program:
    a lock on it lasts until the last of them has ended.
    """

    def __init__(self, say: Say, *, held: int | None = None) -> None:
        self._say = say
        self._held = () if held is None else (held,)
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        kept = _Kept(program)
        with self._lock:
            self._kept[program.name] = kept
        # The system ties a process to the thread that started it: each has one that stays.
        kept.thread = threading.Thread(target=self._keep, args=(kept,), name=program.name)
        kept.thread.daemon = True
        kept.thread.start()

    def stop(self, *names: str) -> None:
        """Ask programs to stop, all at once, and wait; those that take too long are killed."""
        with self._lock:
            kept = [self._kept[name] for name in names if name in self._kept]
        for one in kept:
            self._signal(one, signal.SIGTERM)
        for one in kept:
            assert one.thread is not None
            one.thread.join(one.program.patience)
            if one.thread.is_alive():
                self._say(f"{one.program.name} did not stop in {one.program.patience:g} s; ended")
                self._signal(one, signal.SIGKILL)
                one.thread.join()

    def kill(self) -> None:
        """End all programs at once."""
        with self._lock:
            kept = list(self._kept.values())
        for one in kept:
            self._signal(one, signal.SIGKILL)
        for one in kept:
            if one.thread is not None:
                one.thread.join()

    def ended(self, name: str) -> bool:
        """Whether a program has ended for good: it was stopped, or died and is not kept."""
        thread = self._kept[name].thread
        return thread is not None and not thread.is_alive()

    def forget(self, name: str) -> None:
        """Nothing more will be asked of a program that has ended for good."""
        with self._lock:
            self._kept.pop(name, None)

    def pid(self, name: str) -> int | None:
        """The process of a program; None while there is none."""
        with self._lock:
            process = self._kept[name].process
        return None if process is None else process.pid

    def deaths(self, name: str) -> int:
        """How often a program died in a row; a good while of life ends the row."""
        return self._kept[name].deaths

    def last_words(self, name: str) -> str:
        """How a program ended the last time, and what it said last."""
        return self._kept[name].words

    def _signal(self, one: _Kept, kind: int) -> None:
        with self._lock:
            one.stopping.set()
            if one.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    if kind == signal.SIGKILL:
                        os.killpg(one.process.pid, kind)
                    else:
                        one.process.send_signal(kind)

    def _keep(self, one: _Kept) -> None:
        """Run a program, again and again, until it is to stop."""
        name, log, wait = one.program.name, one.program.log, _SOON
        for number in itertools.count():
            begun = time.monotonic()
            ended = self._run(one, number)
            if one.stopping.is_set():
                return
            if time.monotonic() - begun > _LIVED:
                one.deaths, wait = 0, _SOON
            one.words = f"{ended}: {_last_line(log)}"
            one.deaths += 1
            again = "; started again" if one.program.kept else ""
            self._say(f"{name} {ended}{again}, see {log}")
            one.program.died(number)
            if not one.program.kept or one.stopping.wait(wait):
                return
            wait = min(2 * wait, _LATE)

    def _run(self, one: _Kept, number: int) -> str:
        """Run a program once; says how it ended."""
        with self._lock:
            if one.stopping.is_set():
                return ""
            try:
                one.process = process = self._spawn(one.program, number)
            except OSError as error:  # no memory, no room for its log
                return f"could not be started ({error.strerror})"
        # Not yet waited for, its number is nobody else's: end what it had started itself.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            one.process = None
            return _ended(process.wait())

    def _spawn(self, program: Program, number: int) -> subprocess.Popen[bytes]:
        with program.log.open("ab") as log:
            if log.tell() > _LOG_BYTES:
                program.log.replace(program.log.with_suffix(".log.1"))
        with program.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", _TIED, str(os.getpid()), *program.command(number)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(program.environment),
                start_new_session=True,
                pass_fds=self._held,
            )


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _last_line(log: Path) -> str:
    """What a program said last."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing was said")
