"""What a policy is: how many workers of each pool one snapshot asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Wish:
    """How many workers of a pool there should be, and why, in words for operators."""

    count: int
    why: str


class Policy(Protocol):
    """Says how many workers there should be.

    It remembers nothing: of equal snapshots it always says the same. It may wish for more than a
    pool may have, and need not care for workers that are busy: `steady` holds its wishes to what
    may be done now.
    """

    name: str

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        """What it wishes for, by the names of all pools of ``seen``."""
        ...
