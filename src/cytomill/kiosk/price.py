"""What work costs, where the operator set a price."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import OptionError

_TEXT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ([^\s\x00-\x1f\x7f]{1,8})")


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of one thread of a consumer costs, in ``currency``."""

    hour: float
    currency: str

    @classmethod
    def of(cls, text: str) -> Price | None:
        """What a setting such as ``0.12 EUR`` says; None where it is empty.

        Raises `OptionError`.
        """
        if not text:
            return None
        found = _TEXT.fullmatch(text.strip())
        if found is None or not float(found[1]):
            raise OptionError(
                f"CYTOMILL_PRICE={text}: must be a number above 0, a space and a currency, such as "
                "0.12 EUR"
            )
        return cls(float(found[1]), found[2])

    def spent(self, seconds: float) -> float:
        """What ``seconds`` of a thread cost."""
        return seconds / 3600 * self.hour

    def expected(self, seconds: float, ended: int, items: int) -> float | None:
        """What ``items`` images will cost when ``ended`` of them took ``seconds``, if that tells.

        It never is less than what is spent.
        """
        if not ended or not math.isfinite(seconds):
            return None
        return self.spent(seconds) * max(1.0, items / ended)
