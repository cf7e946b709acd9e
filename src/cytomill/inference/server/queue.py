"""The requests that wait for one model, in the order in which they are served."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter_ns
from typing import Any

from numpy.typing import NDArray

#: The priority of requests that ask for none: urgent ones go before it, background work after.
DEFAULT_PRIORITY = 2


@dataclass(eq=False, slots=True)
class Item:
    """A request that waits or runs; ``future`` becomes its outputs.

    Items with an equal ``kind`` may be joined along the first axis, where this one has ``rows``;
    None is never joined.
    """

    view: str
    tensors: Mapping[str, NDArray[Any]]
    outputs: Sequence[str] | None
    priority: int
    rows: int
    kind: Hashable
    future: asyncio.Future[dict[str, NDArray[Any]]]
    size: int = 0
    arrived: int = field(default_factory=perf_counter_ns)
    since: float = field(default_factory=monotonic)
    dropped: bool = False

    def __post_init__(self) -> None:
        self.size = sum(array.nbytes for array in self.tensors.values())


class Queue:
    """Lower priorities first, and among equals who came first."""

    def __init__(self) -> None:
        # Dictionaries in place of heaps: whoever gives up leaves at once, wherever in the queue.
        self._levels: dict[int, dict[int, Item]] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._levels.values()))

    def add(self, item: Item) -> None:
        """To the end of its priority."""
        self._levels.setdefault(item.priority, {})[id(item)] = item
        self.bytes += item.size

    def put_back(self, items: Sequence[Item]) -> None:
        """To the beginning of their priorities, in their order."""
        for item in reversed(items):
            level = self._levels.get(item.priority, {})
            self._levels[item.priority] = {id(item): item, **level}
            self.bytes += item.size

    def first(self) -> Item | None:
        """Whose turn it is."""
        if not self._levels:
            return None
        return next(iter(self._levels[min(self._levels)].values()))

    def remove(self, item: Item) -> bool:
        """Take one out; False where it is not in the queue."""
        level = self._levels.get(item.priority, {})
        if level.pop(id(item), None) is None:
            return False
        if not level:
            del self._levels[item.priority]
        self.bytes -= item.size
        return True

    def like(self, head: Item, most: int) -> list[Item]:
        """``head`` and those that can be joined to it, to ``most`` rows in all, in order."""
        chosen, rows = [head], head.rows
        if head.kind is None:
            return chosen
        for priority in sorted(self._levels):
            for item in self._levels[priority].values():
                if item is not head and item.kind == head.kind and rows + item.rows <= most:
                    chosen.append(item)
                    rows += item.rows
        return chosen

    def clear(self) -> list[Item]:
        """Take all out."""
        items = [item for level in self._levels.values() for item in level.values()]
        self._levels.clear()
        self.bytes = 0
        return items
