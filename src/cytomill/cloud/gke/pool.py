"""The step that sees to a pool of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import CloudError
from ..google import Call, Google
from ..operations import carry_out
from . import bodies
from .cluster import Cluster, NodePool
from .thing import Thing, running


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of nodes, with as many nodes as it may have."""

    cluster: Cluster
    pool: NodePool

    @property
    def words(self) -> str:
        """What it is."""
        kind = "spot nodes" if self.pool.spot else "nodes"
        gpu = f" with {self.pool.gpu.name.upper()}" if self.pool.gpu else ""
        count = f"{self.pool.least} to {self.pool.most} {kind}"
        return f"pool {self.pool.name}: {count} {self.pool.machine}{gpu}"

    @property
    def calls(self) -> Sequence[Call]:
        """The call that makes it; the first comes with the cluster."""
        return (self._thing().make,) if self.pool.tainted else ()

    def take(self, google: Google) -> str:
        """Make it, or change how many nodes it may have."""
        thing = self._thing()
        done = thing.take(google)
        found = google.get("container", thing.look.path) or {}
        wanted = bodies.autoscaling(self.pool)["autoscaling"]
        now = found.get("autoscaling", {})
        if all(
            now.get(key, 0) == wanted[key] for key in ("enabled", "minNodeCount", "maxNodeCount")
        ):
            return done
        path = f"{thing.look.path}:setAutoscaling"
        call = Call("POST", "container", path, bodies.autoscaling(self.pool))
        carry_out(google, call, self.cluster.project)
        return f"may have up to {self.pool.most} nodes now"

    def _thing(self) -> Thing:
        pools = f"{self.cluster.path}/nodePools"
        return Thing(
            self.words,
            self.cluster.project,
            Call("GET", "container", f"{pools}/{self.pool.name}"),
            Call("POST", "container", pools, bodies.node_pool(self.cluster, self.pool)),
            fits=self._fits,
            ready=running,
        )

    def _fits(self, found: dict[str, Any]) -> None:
        config = found.get("config", {})
        gpus = [one["acceleratorType"] for one in config.get("accelerators", ())]
        wanted = [self.pool.gpu.accelerator] if self.pool.gpu else []
        there = config.get("machineType"), bool(config.get("spot")), gpus
        if there != (self.pool.machine, self.pool.spot, wanted):
            kind = "spot" if there[1] else "on demand"
            what = " ".join([str(there[0]), kind, *gpus])
            raise CloudError(
                f"pool {self.pool.name}: is there with other nodes ({what}), which cannot be "
                "changed; give the options that it was made with, or destroy the cluster first"
            )
