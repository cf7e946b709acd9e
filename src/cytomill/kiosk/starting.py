"""Waiting for the parts of a kiosk to be ready."""

from __future__ import annotations

import resource
import urllib.error
import urllib.request
from collections.abc import Callable
from threading import Event

from ..errors import CytomillError
from .supervisor import Supervisor

#: Seconds between two looks at whether a part is ready, or somebody wants the kiosk to stop.
PAUSE = 0.05

#: Deaths in a row, before it was ever ready, after which a part is taken not to work at all.
_DEATHS = 3

#: Files and connections that a part may have open, where the system allows it.
_OPEN_FILES = 65_536


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Somebody wants the kiosk to stop before it is ready."""


def until(ready: Callable[[], bool], name: str, supervisor: Supervisor, stopping: Event) -> None:
    """Wait until the part ``name`` is ready.

    Raises `Stopped`, and `CytomillError` with its last words where it keeps dying.
    """
    while not ready():
        if stopping.wait(PAUSE):
            raise Stopped
        if supervisor.deaths(name) >= _DEATHS:
            raise CytomillError(f"{name} does not start, it {supervisor.last_words(name)}")


def answers(url: str, data: bytes | None = None) -> bool:
    """Whether a part answers 200."""
    try:
        with urllib.request.urlopen(url, data, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def allow_open_files() -> None:
    """Let the parts, which inherit it, have as many connections as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
