"""Small planes in memory, all levels of each: many chunks of one are asked for at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from numpy.typing import NDArray

Levels = list[NDArray[Any]]


class Planes:
    """The levels of planes, up to ``limit_bytes``; safe to use from several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = Lock()
        self._held: OrderedDict[Hashable, Future[Levels]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Levels]) -> Levels:
        """The levels at ``key``, made where they are not there: once, for all who ask."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
                own = None
            else:
                own = found = self._held[key] = Future()
        if own is None:
            return found.result()
        try:
            own.set_result(make())
        except BaseException as error:
            with self._lock:
                self._held.pop(key, None)
            own.set_exception(error)
            raise
        with self._lock:
            self._make_room()
        return own.result()

    def _make_room(self) -> None:
        """Let go what was longest unused; under the lock."""
        done = [(key, one) for key, one in self._held.items() if one.done()]
        sizes = {key: sum(level.nbytes for level in one.result()) for key, one in done}
        total = sum(sizes.values())
        for key, size in sizes.items():
            if total <= self._limit:
                return
            del self._held[key]
            total -= size
