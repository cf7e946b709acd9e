"""What a step is, and the most usual one: a thing at an address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import CloudError, RefusedError
from ..google import Call, Google, advice
from ..operations import carry_out, until


class Step(Protocol):
    """A thing that has to be there. ``calls`` are what makes it, for the plan."""

    @property
    def words(self) -> str:
        """What it is."""
        ...

    @property
    def calls(self) -> Sequence[Call]:
        """The calls that make it, in their order."""
        ...

    def take(self, google: Google) -> str:
        """See to it that it is there; says what was done. Raises `CloudError`."""
        ...


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing at an address: looked for there, and made by a call that may take its time.

    ``fits`` raises `CloudError` where what is there is not what is meant. ``ready`` says whether
    it can be used; until then, it is waited for.
    """

    words: str
    project: str
    look: Call
    make: Call
    fits: Callable[[dict[str, Any]], object] = lambda _: None
    ready: Callable[[dict[str, Any]], bool] = lambda _: True
    operates: bool = True

    @property
    def calls(self) -> Sequence[Call]:
        """The call that makes it."""
        return (self.make,)

    def take(self, google: Google) -> str:
        """See to it that it is there."""
        found = google.get(self.look.service, self.look.path)
        done = "is there"
        if found is None:
            done = "made"
            try:
                carry_out(google, self.make, self.project, operates=self.operates)
            except RefusedError as error:
                # A call whose answer was lost, and another run at the same time, end here.
                if error.status != 409:
                    raise
                done = "is there"
        until(google, lambda: self._usable(google), self.words)
        return done

    def _usable(self, google: Google) -> bool:
        found = google.get(self.look.service, self.look.path)
        if found is None:
            return False
        self.fits(found)
        return self.ready(found)


def running(found: dict[str, Any]) -> bool:
    """Whether a cluster or pool can be used. Raises `CloudError` where it never will."""
    if found.get("status") in ("ERROR", "STOPPING"):
        told = "; ".join(one.get("message", "") for one in found.get("conditions", ()))
        told = told or found.get("statusMessage", "")
        raise CloudError(
            f"{found['name']}: is in state {found['status']} ({told or 'Google does not say why'})"
            f"{advice(told) or '; destroy the cluster and create it again'}"
        )
    return found.get("status") in ("RUNNING", "RECONCILING", "RUNNING_WITH_ERROR", "DEGRADED")
