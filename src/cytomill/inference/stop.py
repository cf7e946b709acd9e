"""Calling off an inference that is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

from ..errors import Interrupted


class Stop:
    """Set from any thread; what computes hooks in to free its device at once."""

    def __init__(self) -> None:
        self._event, self._lock = Event(), Lock()
        self._hook: Callable[[], object] | None = None

    def set(self) -> None:
        """Call the inference off; idempotent."""
        with self._lock:
            self._event.set()
            hook, self._hook = self._hook, None
        if hook:
            hook()

    def __bool__(self) -> bool:
        """Whether it is set."""
        return self._event.is_set()

    @contextmanager
    def calling(self, hook: Callable[[], object]) -> Iterator[None]:
        """Within it, `set` calls ``hook``. Raises `Interrupted` where it is set by its end."""
        with self._lock:
            if self._event.is_set():
                raise Interrupted
            self._hook = hook
        try:
            yield
        finally:
            with self._lock:
                self._hook = None
        if self._event.is_set():
            raise Interrupted
