"""The steps to a cluster, in their order: each looks first, and makes what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import CloudError
from ..google import Call, Google
from ..operations import wait
from . import bodies
from .cluster import LABEL, Cluster
from .pool import Pool
from .roles import bucket_roles, node_roles
from .thing import Step, Thing, running


@dataclass(frozen=True, slots=True)
class Services:
    """The project's interfaces, switched on."""

    cluster: Cluster
    words: str = "services of Google that a cluster needs"

    @property
    def calls(self) -> Sequence[Call]:
        """One call for all."""
        return (self._enable(bodies.SERVICES),)

    def take(self, google: Google) -> str:
        """Enable those that are not."""
        path = f"projects/{self.cluster.project}/services:batchGet?"
        path += "&".join(f"names={self._name(one)}" for one in bodies.SERVICES)
        found = google.call(Call("GET", "serviceusage", path)).get("services", ())
        enabled = {one["name"].rsplit("/", 1)[-1] for one in found if one["state"] == "ENABLED"}
        missing = [one for one in bodies.SERVICES if one not in enabled]
        if not missing:
            return "enabled"
        wait(google, google.call(self._enable(missing)), "serviceusage", self.cluster.project)
        return "enabled now"

    def _enable(self, services: Sequence[str]) -> Call:
        path = f"projects/{self.cluster.project}/services:batchEnable"
        return Call("POST", "serviceusage", path, {"serviceIds": list(services)})

    def _name(self, service: str) -> str:
        return f"projects/{self.cluster.project}/services/{service}"


def steps(cluster: Cluster) -> list[Step]:
    """All of them."""
    project, region = (
        f"projects/{cluster.project}",
        f"projects/{cluster.project}/regions/{cluster.region}",
    )
    made: list[Step] = [
        Services(cluster),
        _compute(
            cluster, f"network {cluster.network}", f"{project}/global/networks", bodies.network
        ),
        _compute(
            cluster,
            f"its part in {cluster.region}",
            f"{region}/subnetworks",
            bodies.subnetwork,
        ),
        _compute(
            cluster,
            "its way out to the internet (Cloud NAT)",
            f"{region}/routers",
            bodies.router,
        ),
        Thing(
            f"account {cluster.email} of the nodes",
            cluster.project,
            Call("GET", "iam", f"{project}/serviceAccounts/{cluster.email}"),
            Call("POST", "iam", f"{project}/serviceAccounts", bodies.account(cluster)),
            operates=False,
        ),
        node_roles(cluster),
        Thing(
            f"cluster {cluster.name}",
            cluster.project,
            Call("GET", "container", cluster.path),
            Call("POST", "container", cluster.path.rsplit("/", 1)[0], bodies.cluster(cluster)),
            fits=lambda found: ours(cluster, found),
            ready=running,
        ),
    ]
    made += [Pool(cluster, pool) for pool in cluster.pools]
    if cluster.bucket:
        made += [
            Thing(
                f"bucket {cluster.bucket}",
                cluster.project,
                Call("GET", "storage", f"b/{quote(cluster.bucket, safe='')}"),
                Call("POST", "storage", f"b?project={cluster.project}", bodies.bucket(cluster)),
                operates=False,
            ),
            bucket_roles(cluster),
        ]
    return made


def ours(cluster: Cluster, found: dict[str, Any]) -> None:
    """Raises `CloudError` for a cluster of that name that is somebody else's."""
    if found.get("resourceLabels", {}).get(LABEL) != cluster.name:
        raise CloudError(
            f"cluster {cluster.name}: is there and was not made by cytomill (it has no label "
            f"{LABEL}); choose another --name"
        )


def _compute(
    cluster: Cluster, words: str, path: str, body: Callable[[Cluster], dict[str, Any]]
) -> Thing:
    def fits(found: dict[str, Any]) -> None:
        if found.get("description") != cluster.described:
            raise CloudError(
                f"{words}: is there and was not made by cytomill for this cluster; choose another "
                "--name"
            )

    look = Call("GET", "compute", f"{path}/{cluster.network}")
    return Thing(words, cluster.project, look, Call("POST", "compute", path, body(cluster)), fits)
