"""A place for compiled functions where program and home folder are read-only; their loading.

Numba keeps what it compiled beside the source, else in the user's cache folder; where it may write
to neither, importing a function that is to be kept fails.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np


def ensure(source: Path = Path(__file__)) -> None:
    """Have numba use the temporary folder where it would find no other; call before its first use.

    ``source`` is a module with functions to compile.
    """
    beside = source.parent / "__pycache__"
    if os.access(beside if beside.exists() else source.parent, os.W_OK):
        return
    import numba

    try:
        numba.njit(cache=True)(_probe)
    except RuntimeError:
        os.environ["NUMBA_CACHE_DIR"] = str(_private())
        numba.config.reload_config()


def warm() -> None:
    """Load what the first call of a compiled function loads, before there is a hurry.

    It takes 0.3 s, which can pass while a model is loaded.
    """
    _put_off_blas()
    from .runs import label_runs

    label_runs(np.zeros((1, 1), np.int32))


def warm_beside() -> None:
    """`warm` in a thread of its own: what goes wrong there is told by the call that needs it."""

    def quietly() -> None:
        with suppress(Exception):
            warm()

    Thread(target=quietly, name="warm").start()


def _put_off_blas() -> None:
    """Have numba ask for a BLAS when a function needs one, not before it compiles any.

    It asks by importing SciPy's, which takes a tenth of a second; nothing here needs it. Functions
    that do ask once more.
    """
    from numba.np import linalg

    ask = getattr(linalg, "ensure_blas", None)
    if ask is None or "numba.np.arraymath" in sys.modules:
        return
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath

        arraymath.ensure_blas = ask
    finally:
        linalg.ensure_blas = ask


def _probe() -> None:
    """A function to ask numba with."""


def _private() -> Path:
    """A folder for this user alone: what lies in it is run."""
    folder = Path(tempfile.gettempdir()) / f"cytomill-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    if mine and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return folder
    return Path(tempfile.mkdtemp(prefix="cytomill-"))
