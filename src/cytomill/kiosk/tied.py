"""Becomes another program, which ends when its parent does, however that ends.

Run as a script: ``python -I -S tied.py PARENT PROGRAM ARGUMENTS``. Nothing is imported that takes
time, and nothing of Cytomill: this is a few milliseconds before every child of a supervisor.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: prctl(2): the signal that this process is sent when the thread that started it ends.
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the line above
        sys.exit(1)
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.exit(f"{program[0]}: cannot be started ({error.strerror})")


if __name__ == "__main__":
    main()
