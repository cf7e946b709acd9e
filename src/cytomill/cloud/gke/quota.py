"""Whether a zone has the machines, and the project the quota, for a cluster at its largest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import CloudError
from ..google import Google
from .cluster import Cluster, NodePool

#: Kinds of machines whose processors have a quota of their own; those of all others are CPUS.
_FAMILIES = ("n2", "n2d", "c2", "c2d", "c3", "a2", "t2d", "m1", "m2", "m3")

#: Addresses of a cluster: one of its way out, one of the page.
_ADDRESSES = 2

#: GB of the claims of the chart: the queue's, and some more.
_CLAIMS = 100


@dataclass(frozen=True, slots=True)
class Quota:
    """What a cluster needs of a quota, at its largest; ``limit`` is None where it is not told."""

    metric: str
    where: str
    needs: float
    used: float = 0.0
    limit: float | None = None

    @property
    def enough(self) -> bool:
        """Whether there is enough."""
        return self.limit is None or self.used + self.needs <= self.limit

    def __str__(self) -> str:
        if self.limit is None:
            return f"{self.metric} in {self.where}: needs {self.needs:g}; Google does not tell it"
        left = f"{self.used:g} of {self.limit:g} used"
        return f"{self.metric} in {self.where}: needs {self.needs:g}, {left}"


def check(google: Google, cluster: Cluster) -> list[Quota]:
    """All quotas that a cluster needs.

    Raises `CloudError` for a zone that is not there or has no such machines.
    """
    cores = _machines(google, cluster)
    region = google.call_get("compute", f"projects/{cluster.project}/regions/{cluster.region}")
    project = google.call_get("compute", f"projects/{cluster.project}")
    regional = {one["metric"]: one for one in region.get("quotas", ())}
    whole = {one["metric"]: one for one in project.get("quotas", ())}
    needs = _needs(cluster, cores, regional)
    found = [_quota(metric, cluster.region, count, regional) for metric, count in needs.items()]
    all_cores = sum(cores[pool.machine] * pool.most for pool in cluster.pools)
    found.append(_quota("CPUS_ALL_REGIONS", "all regions", all_cores, whole))
    if cluster.gpu is not None:
        found.append(_quota("GPUS_ALL_REGIONS", "all regions", cluster.max_gpus, whole))
    found.append(_quota("NETWORKS", "the project", 1, whole))
    return found


def refuse(quotas: Iterable[Quota]) -> None:
    """Raises `CloudError` where a quota is too small."""
    lacking = [str(one) for one in quotas if not one.enough]
    if lacking:
        raise CloudError(
            f"the project has not enough quota: {'; '.join(lacking)}; ask Google for more (IAM & "
            "Admin, Quotas), or give --max-nodes, --max-gpus, --machine or --zone others"
        )


def _needs(
    cluster: Cluster, cores: Mapping[str, int], regional: Mapping[str, Mapping[str, Any]]
) -> Counter[str]:
    needs: Counter[str] = Counter()
    for pool in cluster.pools:
        needs[_cpus(pool, regional)] += cores[pool.machine] * pool.most
        needs["INSTANCES"] += pool.most
        needs["SSD_TOTAL_GB"] += pool.disk * pool.most
        if pool.gpu is not None:
            spot = "PREEMPTIBLE_" if pool.spot else ""
            needs[f"{spot}NVIDIA_{pool.gpu.part}_GPUS"] += pool.most
    needs["SSD_TOTAL_GB"] += _CLAIMS
    needs["IN_USE_ADDRESSES"] += _ADDRESSES
    needs["INSTANCE_GROUP_MANAGERS"] += len(cluster.pools)
    return needs


def _cpus(pool: NodePool, regional: Mapping[str, Mapping[str, Any]]) -> str:
    """Spot machines use the quota of preemptible processors only where a project was given any."""
    if pool.spot and regional.get("PREEMPTIBLE_CPUS", {}).get("limit", 0) > 0:
        return "PREEMPTIBLE_CPUS"
    family = pool.machine.split("-")[0]
    return f"{family.upper()}_CPUS" if family in _FAMILIES else "CPUS"


def _quota(metric: str, where: str, needs: float, told: Mapping[str, Mapping[str, Any]]) -> Quota:
    one = told.get(metric)
    if one is None:
        return Quota(metric, where, needs)
    return Quota(metric, where, needs, float(one.get("usage", 0)), float(one["limit"]))


def _machines(google: Google, cluster: Cluster) -> dict[str, int]:
    """The processors of each type of machine. Raises `CloudError`."""
    place = f"projects/{cluster.project}/zones/{cluster.zone}"
    zone = google.get("compute", place)
    if zone is None or zone.get("status") != "UP":
        raise CloudError(
            f"--zone {cluster.zone}: Google has no such zone, or it is down; see `gcloud compute "
            "zones list`"
        )
    cores: dict[str, int] = {}
    for pool in cluster.pools:
        found = google.get("compute", f"{place}/machineTypes/{pool.machine}")
        if found is None:
            raise CloudError(
                f"{pool.machine}: {cluster.zone} has no such machines; give another type, or "
                "another --zone"
            )
        cores[pool.machine] = int(found["guestCpus"])
        if pool.gpu is None:
            continue
        if google.get("compute", f"{place}/acceleratorTypes/{pool.gpu.accelerator}") is None:
            raise CloudError(
                f"--gpu {pool.gpu.name}: {cluster.zone} has none{_elsewhere(google, cluster)}"
            )
    return cores


def _elsewhere(google: Google, cluster: Cluster) -> str:
    """Where there are such GPUs, in words."""
    assert cluster.gpu is not None
    path = f"projects/{cluster.project}/aggregated/acceleratorTypes"
    page = google.call_get("compute", f"{path}?filter=name%3D{cluster.gpu.accelerator}")
    zones = sorted(
        scope.removeprefix("zones/")
        for scope, found in page.get("items", {}).items()
        if found.get("acceleratorTypes")
    )
    return f"; these have: {', '.join(zones[:12])}" if zones else ""
