"""Flags of the commands that have a policy decide how many workers there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .values import ABOVE, Duration

F = TypeVar("F", bound=Callable[..., Any])


def deciding(command: F) -> F:
    """Give ``command`` the flags of `cytomill.scaling.policies.policy`, in its order.

    They are ``policy``, ``within`` in seconds, and ``budget``.
    """
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


_FLAGS = (
    click.option(
        "--policy",
        type=click.Choice(["throughput", "paper", "deadline", "budget"]),
        default="throughput",
        show_default=True,
        help="What decides how many workers there are.",
    ),
    click.option(
        "--within", type=Duration(), help="When jobs are to be done, with --policy deadline."
    ),
    click.option(
        "--budget",
        type=ABOVE,
        metavar="COST",
        help="What may be spent, in the unit of the prices, with --policy budget.",
    ),
)
