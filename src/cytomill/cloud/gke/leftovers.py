"""What belongs to a cluster: found by labels, by its network, and by what refers to what.

Kubernetes makes load balancers, firewall rules and disks while a cluster runs, most of them without
the cluster's labels, and they outlive it. They are found by its network, which nothing else uses;
by Google's own labels; by the names of its nodes; and by what refers to any of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import RefusedError
from ..google import NOT_ENABLED, Google
from .cluster import LABEL, Cluster

#: Collections of Compute Engine, in the order in which their things can be deleted, and what one
#: of these costs; nothing where it is free.
COLLECTIONS = {
    "regions/{region}/forwardingRules": "a load balancer, by the hour",
    "global/forwardingRules": "a load balancer, by the hour",
    "global/targetHttpProxies": "",
    "global/targetHttpsProxies": "",
    "global/urlMaps": "",
    "global/backendServices": "",
    "regions/{region}/backendServices": "",
    "regions/{region}/targetPools": "",
    "global/healthChecks": "",
    "regions/{region}/healthChecks": "",
    "global/httpHealthChecks": "",
    "zones/{zone}/instanceGroupManagers": "its machines, by the second",
    "zones/{zone}/instances": "a machine, by the second",
    "zones/{zone}/instanceGroups": "",
    "zones/{zone}/networkEndpointGroups": "",
    "zones/{zone}/disks": "a disk, by its size",
    "regions/{region}/disks": "a disk, by its size",
    "global/snapshots": "a snapshot, by its size",
    "regions/{region}/addresses": "an address, by the hour",
    "global/addresses": "an address, by the hour",
    "global/firewalls": "",
    "regions/{region}/routers": "the way out (Cloud NAT), by the hour",
    "regions/{region}/subnetworks": "",
    "global/networks": "",
}

#: Fields in which a thing names those that it cannot do without.
_REFERS = (
    "target",
    "backendService",
    "urlMap",
    "defaultService",
    "group",
    "instances",
    "instanceGroup",
    "network",
    "subnetwork",
    "sourceDisk",
)

#: What belongs to a cluster when it refers to what does, and Kubernetes made it. Machines, disks
#: and routers have labels or descriptions: what somebody put there himself is told, not deleted.
_BY_REFERENCE = (
    "forwardingRules",
    "targetHttpProxies",
    "targetHttpsProxies",
    "urlMaps",
    "backendServices",
    "targetPools",
    "instanceGroups",
    "networkEndpointGroups",
    "firewalls",
)

#: How Kubernetes calls what it makes: an Ingress' parts, the rest, and a Service's by its number.
_KUBERNETES = re.compile(r"(?:k8s|gke|gk3).*|a[0-9a-f]{31}")

#: A firewall rule of a Service's load balancer has the names of its other parts in its own.
_OF_SERVICE = re.compile(r"k8s-fw-(?P<name>[a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Found:
    """A thing of a cluster: ``path`` is where it is, ``cost`` what one pays for it, if anything."""

    path: str
    kind: str
    name: str
    cost: str
    ours: bool
    """Whether it was made for the cluster, and goes with it; else it only has to do with it."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find(google: Google, cluster: Cluster) -> list[Found]:
    """Everything of a cluster that there is, in the order in which it can be deleted."""
    there = list(_all(google, cluster))
    mine: dict[str, Any] = {told["selfLink"]: told for _, told in there if _marked(cluster, told)}
    count = -1
    while len(mine) > count:
        count = len(mine)
        names = {_key(link) for link in mine} | {_key(_network(cluster))}
        services = {
            match["name"]
            for told in mine.values()
            if (match := _OF_SERVICE.fullmatch(told["name"]))
        }
        for _, told in there:
            if _of_nodes(cluster, told) or (
                _made(told) and (_refers(told, names) or told["name"] in services)
            ):
                mine[told["selfLink"]] = told
        mine.update(_checks(there, mine))
    keys = {_key(link) for link in mine} | {_key(_network(cluster))}
    found = []
    for collection, told in there:
        kind, key = _kind(told["selfLink"]), _key(told["selfLink"])
        related = _refers(told, keys) or any(_key(user) in keys for user in told.get("users", ()))
        if kind == "addresses":
            ours = related and _of_service(told)  # else somebody reserved it
        else:
            ours = told["selfLink"] in mine and kind != "snapshots"
        if ours or related or told["selfLink"] in mine:
            found.append(Found(key, kind, told["name"], COLLECTIONS[collection], ours))
    return found


def _kind(link: str) -> str:
    return link.rsplit("/", 2)[-2]


def _all(google: Google, cluster: Cluster) -> Iterator[tuple[str, dict[str, Any]]]:
    for collection in COLLECTIONS:
        place = collection.format(region=cluster.region, zone=cluster.zone)
        try:
            for told in google.list("compute", f"projects/{cluster.project}/{place}"):
                yield collection, told
        except RefusedError as error:
            if error.reason in NOT_ENABLED:  # then there is nothing of it
                return
            raise


def _marked(cluster: Cluster, told: Mapping[str, Any]) -> bool:
    """Whether it says itself whose it is."""
    labels = told.get("labels", {})
    if labels.get(LABEL) == cluster.name:
        return True
    if labels.get("goog-k8s-cluster-name") == cluster.name:
        return bool(labels.get("goog-k8s-cluster-location", cluster.zone) == cluster.zone)
    return told.get("description") == cluster.described


def _made(told: Mapping[str, Any]) -> bool:
    """Whether it is what Kubernetes makes; rules of our network are nobody's without it."""
    kind = _kind(told["selfLink"])
    if kind == "firewalls":
        return True
    return kind in _BY_REFERENCE and (
        _KUBERNETES.fullmatch(told["name"]) is not None or _of_service(told)
    )


def _refers(told: Mapping[str, Any], names: set[str]) -> bool:
    """Whether a thing names one of those; of groups of backends too."""
    linked: list[Any] = [told.get(field) for field in _REFERS]
    linked += [told.get("backends", ()), told.get("networkInterfaces", ())]
    linked += [told.get("pathMatchers", ())]
    return any(_key(link) in names for link in _links(linked))


def _links(told: Any) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping):
        for field in _REFERS:
            yield from _links(told.get(field))
    elif isinstance(told, list | tuple):
        for one in told:
            yield from _links(one)


def _of_nodes(cluster: Cluster, told: Mapping[str, Any]) -> bool:
    """Whether it is a node, or is for nodes, by the names that Google gives these."""
    names = "|".join({*(pool.name for pool in cluster.pools), "gpu"})
    node = re.compile(
        rf".*/zones/{cluster.zone}/(?:instances|instanceGroupManagers|instanceGroups)"
        rf"/gke-{cluster.name}-(?:{names})-[0-9a-f]{{8}}-[^/]*"
    )
    return any(node.fullmatch(link) for link in (told["selfLink"], *told.get("instances", ())))


def _checks(
    there: list[tuple[str, dict[str, Any]]], mine: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Health checks that Kubernetes made and of ours alone are used."""
    used: dict[str, list[bool]] = {}
    for _, told in there:
        for link in told.get("healthChecks", ()):
            used.setdefault(_key(link), []).append(told["selfLink"] in mine)
    return {
        told["selfLink"]: told
        for _, told in there
        if told["name"].startswith("k8s") and all(used.get(_key(told["selfLink"]), [False]))
    }


def _of_service(told: Mapping[str, Any]) -> bool:
    """Whether Kubernetes has written on it for which Service it is."""
    return "kubernetes.io/service-name" in told.get("description", "")


def _network(cluster: Cluster) -> str:
    return f"projects/{cluster.project}/global/networks/{cluster.network}"


def _key(link: str) -> str:
    """A link from the project on, as they come in several forms."""
    return link[link.find("projects/") :] if "projects/" in link else link
