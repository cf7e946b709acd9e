"""One share of the work of a run, for batch systems that start the same command many times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import OptionError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """Share ``index`` (from 1) of ``count``.

    Item ``k`` (from 0) belongs to share ``k mod count + 1``: shares are disjoint, together they are
    the whole for every count, and their sizes differ by at most one. Where there are fewer items
    than shares, the last ones are empty.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From ``"I/N"``; raises `OptionError`."""
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise OptionError(
                f"--shard {text}: must be I/N with 1 <= I <= N, such as 1/4 for the first of four"
            )
        return cls(int(match[1]), int(match[2]))

    def of(self, items: Sequence[T]) -> list[T]:
        """This share of ``items``, in their order."""
        return list(items[self.index - 1 :: self.count])

    @property
    def suffix(self) -> str:
        """What tells this share's files from another's: ``"-2-of-4"``."""
        return f"-{self.index}-of-{self.count}"
