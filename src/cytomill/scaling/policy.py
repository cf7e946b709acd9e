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

    firm: bool = False
    """Whether workers beyond it are to end now: busy ones too, once they have finished what they
    have in hand. Otherwise they are kept for a while, and busy ones as long as they are busy."""


class Policy(Protocol):
    """Says how many workers there should be.

    It remembers nothing: of equal snapshots it always says the same. It may wish for more than a
    pool may have, and need not care for workers that are busy: `steady` holds its wishes to what
    may be done now.
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def period(self) -> float:
        """Seconds for which its wishes stand; 0 where each look has its own."""
        ...

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        """What it wishes for, by the names of all pools of ``seen``."""
        ...
