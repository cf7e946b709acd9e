"""Where the processes of a kiosk keep temporary files."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ..errors import OptionError


def workplace() -> Path:
    """The folder for temporary files of this user's processes. Raises `OptionError`."""
    path = Path(tempfile.gettempdir(), f"cytomill-{os.getuid()}")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise OptionError(f"{path}: cannot be used ({error.strerror}); set TMPDIR") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OptionError(f"{path}: is somebody else's; set TMPDIR to a folder of your own")
    return path
