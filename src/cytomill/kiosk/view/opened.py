"""Items that are open for viewers: a few at a time, each opened once for all who look at it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from .errors import NotYetError

#: Items that are opened at once: a large one of a cloud or a zip is fetched or unpacked first.
_AT_ONCE = 4

#: Seconds that a request waits for that: others wait until it is answered.
_PATIENCE = 3.0

#: Seconds after which what nobody looks at is closed, and it is asked whether it is still there.
_IDLE, _FRESH = 120.0, 5.0

T = TypeVar("T")

#: Opens something until the stack ends, and says how many bytes of memory it holds at most.
Open = Callable[[ExitStack], tuple[T, int]]


@dataclass(slots=True, eq=False)
class _Held(Generic[T]):
    """Something open; ``version`` is of when it was opened, and was ``checked`` at that time."""

    version: str
    checked: float
    stack: ExitStack = field(default_factory=ExitStack)
    opened: Future[T] = field(default_factory=Future)
    bytes: int = 0
    users: int = 0
    used: float = 0.0


class OpenItems(Generic[T]):
    """Up to ``limit`` open items that hold up to ``limit_bytes``; more only while they are used."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit, self._limit_bytes = limit, limit_bytes
        self._lock = Lock()
        self._held: OrderedDict[Hashable, _Held[T]] = OrderedDict()
        #: Those that are of no use any more, but maybe still used.
        self._left: list[_Held[T]] = []
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="opening")

    @contextmanager
    def use(self, key: Hashable, version: Callable[[], str], opening: Open[T]) -> Iterator[T]:
        """What is open under ``key``, for the time of the block.

        It is opened where it is not, or where its ``version`` is another than it was. Raises what
        that raises, and `NotYetError` where it takes long.
        """
        held = self._taken(key, version, opening)
        try:
            if not wait([held.opened], _PATIENCE).done:
                raise NotYetError("the image is being fetched; ask again in a moment")
            yield held.opened.result()
        finally:
            with self._lock:
                held.users -= 1
                held.used = time.monotonic()
            self.sweep()

    def sweep(self) -> None:
        """Close what nobody looks at any more, and what there are too many of."""
        with self._lock:
            gone = self._let_go()
        for one in gone:
            one.stack.close()

    def close(self) -> None:
        """Open nothing more, and close what is open."""
        self._threads.shutdown(cancel_futures=True)
        with self._lock:
            gone = [*self._held.values(), *self._left]
            self._held.clear()
            self._left.clear()
        for one in gone:
            one.stack.close()

    def _taken(self, key: Hashable, version: Callable[[], str], opening: Open[T]) -> _Held[T]:
        now = time.monotonic()
        with self._lock:
            held = self._held.get(key)
            if held is not None and now - held.checked < _FRESH:
                return self._used(key, held)
        found = version()
        with self._lock:
            held = self._held.get(key)
            if held is not None and held.version == found:
                held.checked = now
                return self._used(key, held)
            if held is not None:
                self._left.append(held)
            held = self._held[key] = _Held(found, now)
            self._threads.submit(self._open, key, held, opening)
            return self._used(key, held)

    def _used(self, key: Hashable, held: _Held[T]) -> _Held[T]:
        held.users += 1
        self._held.move_to_end(key)
        return held

    def _open(self, key: Hashable, held: _Held[T], opening: Open[T]) -> None:
        try:
            found, held.bytes = opening(held.stack)
        except Exception as error:
            held.stack.close()
            with self._lock:
                if self._held.get(key) is held:
                    del self._held[key]
            held.opened.set_exception(error)
        else:
            held.opened.set_result(found)

    def _let_go(self) -> list[_Held[T]]:
        """Those to be closed; under the lock."""
        now = time.monotonic()
        count, total = len(self._held), sum(one.bytes for one in self._held.values())
        gone = [one for one in self._left if not one.users and one.opened.done()]
        self._left = [one for one in self._left if one not in gone]
        for key, one in list(self._held.items()):
            if one.users or not one.opened.done():
                continue
            if count > self._limit or total > self._limit_bytes or now - one.used > _IDLE:
                del self._held[key]
                gone.append(one)
                count, total = count - 1, total - one.bytes
        return gone
