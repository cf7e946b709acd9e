from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from cytomill.ops import jitcache


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """Where numba may write nowhere, this is the temporary folder; numba's settings come back."""
    import numba

    def refuse(*args, **more):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(jitcache.os, "access", lambda *_: False)
    monkeypatch.setattr(numba, "njit", lambda **_: refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # Set first, so that undoing it restores what was there.
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    yield tmp_path
    monkeypatch.undo()
    numba.config.reload_config()


def test_a_folder_of_the_users_own_is_taken_and_taken_again(temporary):
    import numba

    for _ in range(2):
        jitcache.ensure()
        (folder,) = temporary.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert os.environ["NUMBA_CACHE_DIR"] == numba.config.CACHE_DIR == str(folder)


@pytest.mark.parametrize("trap", ["open", "link", "file"])
def test_a_folder_that_others_could_have_filled_is_not(temporary, trap):
    folder = temporary / f"cytomill-{os.getuid()}"
    if trap == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif trap == "link":
        (temporary / "elsewhere").mkdir()
        folder.symlink_to(temporary / "elsewhere")
    else:
        folder.touch()
    jitcache.ensure()
    chosen = Path(os.environ["NUMBA_CACHE_DIR"])
    assert chosen != folder
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o700


#: Loads ahead, then has a function of somebody else multiply with a BLAS.
AHEAD = """
import sys
import numba
import numpy as np
from cytomill.ops.jitcache import warm

warm()
assert "numba.np.arraymath" in sys.modules
assert "scipy.linalg" not in sys.modules

@numba.njit
def product(a, b):
    return np.dot(a, b)

assert product(np.full((3, 2), 2.0), np.ones(2)).tolist() == [4, 4, 4]
assert "scipy.linalg" in sys.modules
"""


def test_what_is_loaded_ahead_has_no_blas_until_a_function_needs_one():
    ran = subprocess.run([sys.executable, "-c", AHEAD], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_what_goes_wrong_ahead_is_left_to_the_call_that_needs_it(monkeypatch, capfd):
    def fail():
        raise RuntimeError("no compiled functions today")

    monkeypatch.setattr(jitcache, "warm", fail)
    jitcache.warm_beside()
    for thread in threading.enumerate():
        if thread.name == "warm":
            thread.join()
    assert capfd.readouterr().err == ""


def test_nothing_changes_where_numba_may_write(monkeypatch):
    before = os.environ.get("NUMBA_CACHE_DIR")
    jitcache.ensure()
    assert os.environ.get("NUMBA_CACHE_DIR") == before
