"""What a driver is: whoever starts and stops workers somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .snapshot import Pool, Worker


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why workers are not there, or ended badly: what operators and waiting users are told."""

    pool: str
    cause: str
    """What happened; waiting users are told too, so it names no secrets."""

    advice: str
    """What to do about it, for operators alone."""

    since: float
    """When it was seen first, in seconds since 1970."""

    again: float | None = None
    """When the driver tries again; None where only somebody's doing helps."""


class Driver(Protocol):
    """Starts and stops workers; its calls return soon, and it is called from one thread.

    A worker's id is the name that its consumer or model server has in the queue, so that what that
    tells of itself can be found. What an engine refuses is no exception: it is in `troubles`, the
    driver tries again by itself, later and later, and `workers` holds what there is.
    """

    def workers(self) -> Sequence[Worker]:
        """Those that were started here and have not ended.

        ``busy`` and ``idle`` are filled in by the autoscaler, from what the workers tell.
        """
        ...

    def start(self, pool: Pool, count: int) -> None:
        """Ask for ``count`` more workers of a pool, all at once."""
        ...

    def stop(self, workers: Sequence[Worker]) -> None:
        """Have workers finish what they have in hand and end; those not yet there never come."""
        ...

    def troubles(self) -> Sequence[Trouble]:
        """What is amiss now, of each pool and cause once."""
        ...

    def close(self) -> None:
        """Let go of what the driver holds.

        Workers of this machine end; those of an engine go on.
        """
        ...
