"""What a cluster costs in an hour, idle and at its largest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...errors import OptionError
from .cluster import Cluster, NodePool


@dataclass(frozen=True, slots=True)
class Prices:
    """What an hour of a thing costs, and of a spot machine; a GB of a disk is one too."""

    date: str
    source: str
    currency: str
    hour: Mapping[str, float]
    spot_hour: Mapping[str, float]

    @classmethod
    def read(cls, path: Path | None = None) -> Prices:
        """Those of a file like ``prices.json`` here, or these. Raises `OptionError`."""
        file = files(__package__).joinpath("prices.json") if path is None else path
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            numbers = [_numbers(told[key]) for key in ("hour", "spot_hour")]
            return cls(str(told["date"]), str(told["source"]), str(told["currency"]), *numbers)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OptionError(
                f"--prices {path}: is no file of prices ({error}); docs/gke.md shows one"
            ) from None

    def node(self, pool: NodePool) -> float | None:
        """An hour of a node with its disk; None where that is not known."""
        table = self.spot_hour if pool.spot else self.hour
        parts = [table.get(pool.machine)]
        if pool.gpu is not None and not pool.gpu.built_in:
            parts.append(table.get(pool.gpu.name))
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        disk = self.hour.get("disk_gb", 0.0) * pool.disk
        return sum(known) + disk + self.hour.get("nat_node", 0.0)


def _numbers(told: Any) -> dict[str, float]:
    return {str(key): float(value) for key, value in told.items()}


@dataclass(frozen=True, slots=True)
class Cost:
    """What an hour costs; ``unknown`` are machines whose price is not known and not in it."""

    idle: float
    most: float
    lines: tuple[str, ...]
    unknown: tuple[str, ...]


def cost(cluster: Cluster, prices: Prices) -> Cost:
    """What an hour of a cluster costs: with one node of the pool that stays, and with all nodes.

    Without what moves and what the bucket holds, which depends on what is done.
    """
    fixed = {
        "the cluster itself": prices.hour.get("cluster", 0.0),
        "addresses of the way out and of the page": 2 * prices.hour.get("address", 0.0),
        "the page's load balancer": prices.hour.get("forwarding_rule", 0.0),
        "100 GB of disks for the queue": 100 * prices.hour.get("disk_gb", 0.0),
    }
    idle = most = sum(fixed.values())
    lines = [f"{what}: {price:.3f}" for what, price in fixed.items()]
    unknown = []
    for pool in cluster.pools:
        each = prices.node(pool)
        if each is None:
            unknown.append(f"{pool.machine} of pool {pool.name}")
            continue
        idle += each * pool.least
        most += each * pool.most
        kind = "spot " if pool.spot else ""
        lines.append(f"a {kind}node of pool {pool.name} ({pool.machine}): {each:.3f}")
    return Cost(idle, most, tuple(lines), tuple(unknown))
