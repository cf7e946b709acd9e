"""Policies, by name; docs/autoscaling.md tells what each is for."""

from __future__ import annotations

import math

from ...errors import OptionError
from ..policy import Policy
from .budget import Budget
from .deadline import Deadline
from .paper import Paper
from .throughput import Throughput

#: What policies are called; the first is the default.
NAMES = ("throughput", "paper", "deadline", "budget")


def policy(name: str, within: float | None = None, budget: float | None = None) -> Policy:
    """The policy ``name``, which finishes jobs ``within`` seconds or spends ``budget`` at most.

    ``budget`` is in the unit of the pools' prices. Raises `OptionError` for a name that there is
    not, for what a policy needs and is not given or does not use and is, and for what is not above
    0.
    """
    if name not in NAMES:
        raise OptionError(f"{name}: no such policy; there are {', '.join(NAMES)}")
    if within is not None and name != "deadline":
        raise OptionError(f"--within: the policy {name} knows no time; use --policy deadline")
    if budget is not None and name != "budget":
        raise OptionError(f"--budget: the policy {name} knows no cost; use --policy budget")
    if name == "deadline":
        if within is None:
            raise OptionError("--policy deadline: needs --within, such as --within 4h")
        return Deadline(_above_0("--within", within))
    if name == "budget":
        if budget is None:
            raise OptionError("--policy budget: needs --budget, such as --budget 20")
        return Budget(_above_0("--budget", budget))
    return Paper() if name == "paper" else Throughput()


def _above_0(option: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise OptionError(f"{option}: must be above 0, not {value:g}")
    return value
