"""Being asked to stop: by Ctrl-C, and by SIGTERM, which batch systems send."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def kinds() -> list[signal.Signals]:
    """The signals that ask to stop.

    A shell starts what it runs in the background with Ctrl-C ignored: that is kept.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return [signal.SIGTERM] if ignored else [signal.SIGTERM, signal.SIGINT]


@contextmanager
def asked_to_stop(stop: Callable[[], object], *, once: bool = True) -> Iterator[None]:
    """Within it a signal calls ``stop``; if ``once``, a second ends the process."""
    asking = kinds()

    def handle(*_: object) -> None:
        if once:
            for kind in asking:
                signal.signal(kind, signal.SIG_DFL)
        stop()

    before = {kind: signal.signal(kind, handle) for kind in asking}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
